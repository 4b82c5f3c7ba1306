"""buildifier: layout and lint of every BUILD file, every .bzl and the WORKSPACE."""

import os
import subprocess
from pathlib import Path

from tests.house.house import committed
from tests.lint.checkout import ROOT

BUILDIFIER = Path(os.environ["RUNFILES_DIR"], "npm", "bin", "buildifier")


def test_build_files_are_laid_out_and_free_of_warnings() -> None:
    files = [
        str(path)
        for path in committed()
        if path.name in ("BUILD.bazel", "WORKSPACE") or path.suffix == ".bzl"
    ]
    assert len(files) > 30
    done = subprocess.run(
        [BUILDIFIER, "-mode=check", "-lint=warn", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
