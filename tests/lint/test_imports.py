"""import-linter: which module and which service may import which."""

import os
import subprocess
import sys

from tests.lint.checkout import ROOT


def test_every_import_follows_the_arrows() -> None:
    args = ["-S", "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(
        [sys.executable, *args, "--config", "tests/lint/imports.ini", "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
