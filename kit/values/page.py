"""A piece of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """So many of a list, and whether more follow; `total` is None unless it was asked for."""

    items: Sequence[T]
    has_next: bool
    total: int | None

    @classmethod
    def of(cls, found: Sequence[T], size: int, total: int | None = None) -> "Page[T]":
        """From one item more than the page is to hold, if there was one."""
        return cls(found[:size], len(found) > size, total)
