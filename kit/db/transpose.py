"""Transposes rows, for statements that take many rows as `unnest($1::uuid[], $2::int[])`."""

from collections.abc import Iterable
from typing import Any


def transpose(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """One list per column; `width` empty lists when there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
