"""Markdown documents of the repository: their code, their headings and their links."""

import re
from pathlib import Path
from typing import NamedTuple

from tests.house.house import committed
from tests.lint.checkout import ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of code."""

    path: str
    language: str
    text: str


def documents() -> dict[str, str]:
    """The text of every Markdown file, by its path."""
    return {name(path): path.read_text() for path in committed() if path.suffix == ".md"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(*languages: str) -> list[Block]:
    """Every fenced block in one of the languages; without languages, every block."""
    return [
        Block(path, language, text)
        for path, document in documents().items()
        for language, text in _FENCE.findall(document)
        if language in languages or not languages
    ]


def commands() -> list[tuple[str, str]]:
    """(path, line) of every line of a shell block, and of everything between backticks."""
    lines = [
        (block.path, line) for block in blocks("sh") for line in block.text.replace("\\\n", " ").splitlines()
    ]
    inline = [
        (path, code)
        for path, document in documents().items()
        for code in re.findall(r"`([^`\n]+)`", _FENCE.sub("", document))
    ]
    return lines + inline


def anchors(document: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", document), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        for heading in headings
    }
