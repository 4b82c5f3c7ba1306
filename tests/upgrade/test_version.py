"""How the programs of another checkout are started."""

import sys
from pathlib import Path

import pytest

from tests.upgrade.version import Version


def test_what_bazel_has_built_is_run(tmp_path: Path) -> None:
    server = tmp_path / "bazel-bin" / "order" / "server"
    server.parent.mkdir(parents=True)
    server.touch()
    assert Version(tmp_path).service("order", "migrate") == [str(server), "migrate"]


def test_without_bazel_python_runs_the_modules_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path.cwd()
    monkeypatch.setenv("PYTHONPATH", f"{here}:{here}/.souk/gen:/packages")
    version = Version(tmp_path)
    assert version.filler("--orders", "5") == [
        *(sys.executable, "-S", "-P", "-m", "tests.scale.run"),
        *("--orders", "5"),
    ]
    assert version.environment() == {"PYTHONPATH": f"{tmp_path}:{tmp_path}/.souk/gen:/packages"}
