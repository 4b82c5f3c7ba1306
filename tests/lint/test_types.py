"""mypy --strict over all packages, with the stubs of the contracts and of every dependency."""

import os
import subprocess
import sys
from pathlib import Path

from tests.lint.checkout import ROOT

PACKAGES = [
    "account",
    "bazel",
    "catalog",
    "dev",
    "gateway",
    "kit",
    "notification",
    "order",
    "payment",
    "tests",
]


def environment(folder: Path) -> Path:
    """An interpreter whose installed packages are those of the lock: mypy looks for types there."""
    site = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.executable).resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    installed = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    installed.parent.mkdir(parents=True)
    installed.symlink_to(site)
    return python


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
