"""A piece of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# Lists are counted exactly up to here. Beyond, a count would read as much as there is, which grows without end.
MAX_COUNT: Final = 10_000


def exact_count(counted: int) -> int | None:
    """The total of a list of which at most MAX_COUNT + 1 items were counted; None when there are more than MAX_COUNT."""
    return counted if counted <= MAX_COUNT else None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """So many of a list, and whether more follow; `total` is None unless it was asked for and is MAX_COUNT at most."""

    items: Sequence[T]
    has_next: bool
    total: int | None

    @classmethod
    def of(cls, found: Sequence[T], size: int, total: int | None = None) -> "Page[T]":
        """From one item more than the page is to hold, if there was one."""
        return cls(found[:size], len(found) > size, total)
