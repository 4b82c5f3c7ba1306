"""One page of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# Lists are counted exactly up to this. Counting further would read an unbounded number of rows.
MAX_COUNT: Final = 10_000


def exact_count(counted: int) -> int | None:
    """The total, given a count that stopped at MAX_COUNT + 1; None when there are more than MAX_COUNT items."""
    return counted if counted <= MAX_COUNT else None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items of a list, and whether more follow. `total` is None unless it was requested and is at most MAX_COUNT."""

    items: Sequence[T]
    has_next: bool
    total: int | None

    @classmethod
    def of(cls, items: Sequence[T], size: int, total: int | None = None) -> "Page[T]":
        """From the items that a query with limit `size + 1` returned."""
        return cls(items[:size], len(items) > size, total)
