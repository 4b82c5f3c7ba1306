"""Marks for tests of every folder of manifests, and of every service in it."""

import pytest

from tests.manifests.manifests import (
    FOLDERS,
    SERVICES,
)

folder_and_service = pytest.mark.parametrize(
    ("folder", "service"), [(folder, service) for folder in FOLDERS for service in SERVICES]
)
every_folder = pytest.mark.parametrize("folder", FOLDERS)
