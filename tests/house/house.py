"""The committed files that the tests of the code's structure read."""

import re
import subprocess
from pathlib import Path

from tests.lint.checkout import ROOT

SERVICES = ("account", "catalog", "gateway", "notification", "order", "payment")


def committed() -> list[Path]:
    """Every file of the repository that is text."""
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / line for line in done.stdout.splitlines()]
    return [path for path in paths if path.is_file() and path.suffix not in (".binpb", ".png")]


def python() -> list[Path]:
    """Every Python file."""
    return [path for path in committed() if path.suffix == ".py"]


def in_tests(path: Path) -> bool:
    """Whether the file lies in a folder named tests."""
    return "tests" in path.relative_to(ROOT).parts


def text_of(paths: list[Path]) -> str:
    """The concatenated texts of the files."""
    return "\n".join(path.read_text() for path in paths)


def rpcs() -> list[tuple[str, str]]:
    """(service, RPC) of every contract."""
    names = []
    for path in sorted((ROOT / "proto").rglob("*_service.proto")):
        service = path.relative_to(ROOT / "proto" / "souk").parts[0]
        names += [(service, name) for name in re.findall(r"^\s*rpc (\w+)", path.read_text(), re.MULTILINE)]
    return names
