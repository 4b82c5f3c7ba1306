"""buf: the style of the contracts, and their compatibility with the last release.

`proto/released.binpb` is an image of the last released contracts, which `make release-protos` writes. A breaking change needs a
new package version, souk.<service>.v2.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from google import type as common  # the common protos lie beside it

from tests.lint.checkout import ROOT, program


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Our protos with those of googleapis that they import: buf must not download anything."""
    shutil.copytree(ROOT / "proto", tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.bazel"))
    shutil.copytree(Path(next(iter(common.__path__))), tmp_path / "google" / "type")
    return tmp_path


def buf(workspace: Path, *args: str) -> None:
    done = subprocess.run(
        [program("buf"), *args],
        cwd=workspace,
        env={"HOME": str(workspace)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_have_one_style(workspace: Path) -> None:
    buf(workspace, "lint", "--path", "souk")


def test_the_contracts_are_compatible_with_the_last_release(workspace: Path) -> None:
    buf(workspace, "breaking", "--path", "souk", "--against", str(ROOT / "proto" / "released.binpb"))
