"""Passages that two places have in common, line by line."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

Line = tuple[int, str]


class Passage(NamedTuple):
    """Two places, each a path and its first line, that say the same for `lines` lines."""

    first: tuple[str, int]
    second: tuple[str, int]
    lines: int

    def __str__(self) -> str:
        places = (f"{path}:{line}" for path, line in (self.first, self.second))
        return f"{' and '.join(places)}: {self.lines} equal lines"


def equal_passages(files: Mapping[str, str], min_lines: int) -> list[Passage]:
    """Equal passages of `min_lines` lines or more; blank lines, imports and layout do not count."""
    lines = {path: _comparable_lines(text) for path, text in files.items()}
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for path, content in lines.items():
        for start in range(len(content) - min_lines + 1):
            places[tuple(text for _, text in content[start : start + min_lines])].append((path, start))
    repeated = {(first, later) for first, *others in places.values() for later in others}
    passages = []
    for (path, start), (other, other_start) in sorted(repeated):
        if ((path, start - 1), (other, other_start - 1)) not in repeated:
            length = min_lines
            while (
                (path, start + length - min_lines + 1),
                (other, other_start + length - min_lines + 1),
            ) in repeated:
                length += 1
            passages.append(
                Passage((path, lines[path][start][0]), (other, lines[other][other_start][0]), length)
            )
    return passages


def _comparable_lines(text: str) -> list[Line]:
    stripped = ((number, " ".join(line.split())) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in stripped if line and not line.startswith(("import ", "from "))]
