"""One page of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from kit.values.cursor import K, KeyReader, Position, decode_item, invalid_cursor, time_key
from kit.values.text import FieldReader

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


class ListRequest(Protocol):
    """What the contracts' requests of lists share."""

    @property
    def page_size(self) -> int: ...
    @property
    def page_token(self) -> str: ...


def requested_page(request: ListRequest, scope: str) -> tuple[Position | None, int]:
    """Where the requested page of a list sorted by time starts, and its size.

    Raises InvalidArgument for a size out of range, and for a cursor of another list: `scope` identifies query, filter and sort.
    """
    return requested_page_by(request, scope, time_key)


def requested_page_by(
    request: ListRequest, scope: str, key: KeyReader[K]
) -> tuple[tuple[K, UUID] | None, int]:
    """The same for a list sorted by other values: its page starts after the item with this value and id."""
    size = _page_size(request)
    return decode_item(request.page_token, scope, key, "after"), size


def first_page_size(request: ListRequest) -> int:
    """The size of the first pages of several lists; raises InvalidArgument for a size out of range, and for any cursor."""
    size = _page_size(request)
    if request.page_token:
        raise invalid_cursor("after")
    return size


def _page_size(request: ListRequest) -> int:
    reader = FieldReader()
    size = reader.page_size(request.page_size, "first")
    reader.raise_if_invalid()
    return size
