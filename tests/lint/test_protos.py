"""buf: the contracts' style, and that they break nobody who speaks the last released ones.

Compared is with `proto/released.binpb`, an image of the contracts as they were released last; `make release-protos` writes it. A
change that breaks it needs a new package version, souk.<service>.v2.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from google import type as common  # the common protos lie beside it

from tests.lint.checkout import ROOT, program


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Our protos with those of googleapis that they import, since buf may fetch nothing."""
    shutil.copytree(ROOT / "proto", tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.bazel"))
    shutil.copytree(Path(next(iter(common.__path__))), tmp_path / "google" / "type")
    return tmp_path


def buf(workspace: Path, *words: str) -> None:
    done = subprocess.run(
        [program("buf"), *words],
        cwd=workspace,
        env={"HOME": str(workspace)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_have_one_style(workspace: Path) -> None:
    buf(workspace, "lint", "--path", "souk")


def test_the_contracts_break_nobody(workspace: Path) -> None:
    buf(workspace, "breaking", "--path", "souk", "--against", str(ROOT / "proto" / "released.binpb"))
