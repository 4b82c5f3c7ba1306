"""The pages of the site: the repository's own Markdown files, with links that lead to each other."""

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

PICTURES = (".svg", ".png")
# Files that the site shows in another form.
_ELSEWHERE = {
    "gateway/schema.graphql": "reference/operations.md",
    "docs/operations/incidents": "operations/index.md",
}
# How much a hit counts, by the folder that the site shows the page in: how something is done goes before why it was decided.
# mkdocs-material counts a hit in a title 1,000 times, so a word in the guide goes before the same word in a decision's title.
_BOOSTS = {"guide": 100, "operations": 10, "operations/incidents": 0.01, "decisions": 0.01}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(((?!https?:|mailto:|#)[^)\s#]+)(#[^)\s]*)?\)")
_FENCE = re.compile(r"(```.*?```)", re.DOTALL)


def site_path(path: str) -> str | None:
    """Where the site shows a file of the repository, if it does."""
    parts = PurePosixPath(path).parts
    if path in _ELSEWHERE:
        return _ELSEWHERE[path]
    if parts[0] == "docs" and path.endswith((".md", *PICTURES)):
        return str(PurePosixPath(*parts[1:])).replace("README.md", "index.md")
    if parts[-1] == "README.md" and len(parts) == 2:
        return f"services/{parts[0]}.md"
    return {
        "README.md": "index.md",
        "ARCHITECTURE.md": "architecture.md",
        "CONTRIBUTING.md": "contributing.md",
    }.get(path)


def write(files: Mapping[str, Path], folder: Path) -> None:
    """Writes every file (by its path in the repository) that the site shows into the folder."""
    for path, source in files.items():
        shown = site_path(path)
        if shown is not None and path not in _ELSEWHERE:
            target = folder / shown
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith(PICTURES):
                target.write_bytes(source.read_bytes())
            else:
                target.write_text(_front_matter(shown) + linked(path, source.read_text()))


def _front_matter(shown: str) -> str:
    boost = _BOOSTS.get(str(PurePosixPath(shown).parent), 1)
    return f"---\nsearch:\n  boost: {boost}\n---\n\n"


def linked(path: str, text: str) -> str:
    """The text of a page with its links as the site has them; a link to a file that the site lacks becomes plain text."""
    here = PurePosixPath(site_path(path) or path).parent

    def link(match: re.Match[str]) -> str:
        picture, label, target, anchor = match.groups()
        shown = site_path(os.path.normpath(PurePosixPath(path).parent / target))
        if shown is None:
            return str(label)
        return f"{picture}[{label}]({os.path.relpath(shown, here)}{anchor or ''})"

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in parts)
