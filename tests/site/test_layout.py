"""ARCHITECTURE names every aggregate, and no other."""

import re

import pytest

from tests.lint.checkout import ROOT
from tests.site.documents import documents


@pytest.mark.parametrize("service", ["account", "catalog", "gateway", "notification", "order", "payment"])
def test_the_architecture_names_every_aggregate(service: str) -> None:
    row = re.search(rf"^\| `{service}/` \| (.*) \|$", documents()["ARCHITECTURE.md"], re.MULTILINE)
    assert row
    packages = {path.parent for path in (ROOT / service).glob("*/*.py")}
    aggregates = {package.name for package in packages} - {"client", "playground", "tests"}
    assert set(re.findall(r"`(\w+)`", row[1])) == aggregates
