"""make cluster-test: a Kubernetes node on this machine, Souk installed on it from its manifests and images, and what operators do.

`--from COMMIT`: starts with that commit's images and manifests, and upgrades from them.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bazel.python import pytest_main
from dev.ports import SERVICES
from tests.upgrade.version import checkout

_IMAGES: Final = (*(f"//{name}:image" for name in SERVICES), "//dev/stripe_mock:image")
# What runs if nothing is named: these have been seen to pass (docs/operations/cluster-test.md).
_DEFAULT: Final = ("test_production", "test_operation", "test_policies", "test_invariants")
# The first two need an empty cluster.
_MODULES: Final = (
    "test_production",
    "test_upgrade",
    "test_operation",
    "test_traffic",
    "test_policies",
    "test_invariants",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns pytest's exit status."""
    parser = argparse.ArgumentParser(description="Runs Souk on a Kubernetes node of its own; needs root.")
    parser.add_argument(
        "--from", dest="commit", help="the commit to upgrade from; a worktree of it is built by Bazel"
    )
    parser.add_argument("--checkout", type=Path, help="a checkout of that commit, whose images are built")
    parser.add_argument("--only", action="append", choices=_MODULES, help="only these modules; repeatable")
    arguments = parser.parse_args(argv)
    with ExitStack() as stack:
        older = arguments.checkout
        if arguments.commit:
            older = stack.enter_context(checkout(arguments.commit, targets=_IMAGES)).folder
        if older:
            os.environ["SOUK_OLDER"] = str(older.resolve())
        chosen = arguments.only or [*_DEFAULT, *(["test_upgrade"] if older else [])]
        folder = Path(__file__).parent
        modules = [str(folder / f"{name}.py") for name in _MODULES if name in chosen]
        return pytest_main.main(["-v", "-s", "--durations=0", "-p", "tests.cluster.cluster", *modules])


if __name__ == "__main__":
    sys.exit(main())
