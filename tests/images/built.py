"""The images that Bazel has built, as OCI layouts."""

import os
from pathlib import Path

from bazel.oci.images import Layout
from dev.ports import SERVICES

_TARGETS = {name: f"{name}/image" for name in SERVICES} | {"stripe-mock": "dev/stripe_mock/image"}


def layouts() -> dict[str, Layout]:
    """The layouts of all services and of the Stripe mock, by name."""
    runfiles = Path(os.environ["RUNFILES_DIR"], "souk")
    return {name: Layout((runfiles / path).resolve()) for name, path in _TARGETS.items()}
