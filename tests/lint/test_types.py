"""mypy --strict over all packages, with the stubs of the contracts and of every dependency."""

import os
import subprocess
import sys
from pathlib import Path

from tests.lint.checkout import ROOT
from tests.lint.typed import environment

PACKAGES = [
    "account",
    "bazel",
    "catalog",
    "dev",
    "docs",
    "gateway",
    "kit",
    "notification",
    "order",
    "payment",
    "tests",
]


def test_types_are_strict(tmp_path: Path) -> None:
    contracts = next(entry for entry in sys.path if entry.endswith("/proto"))
    # The cache lies in the checkout: a second run only checks what changed.
    options = [
        "--python-executable",
        str(environment(tmp_path)),
        "--cache-dir",
        str(ROOT / ".mypy_cache" / "lint"),
    ]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "mypy", *options, *PACKAGES],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": contracts},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
