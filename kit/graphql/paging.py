"""Pages of lists: the types that all connections share, and which page a client asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Protocol, TypeVar

import strawberry

from kit.errors import InvalidArgument, Violation

First = Annotated[int | None, strawberry.argument("Page size, 1-100; null: 20.")]
After = Annotated[str | None, strawberry.argument("The cursor after which the page starts.")]

N = TypeVar("N")
E = TypeVar("E", bound="Edge[Any]")
C = TypeVar("C", bound="Connection[Any, Any]")


@strawberry.type(
    description="Position of a page. Cursors are opaque and valid only with the same query, filter and sort."
)
class PageInfo:
    """Position of a page."""

    has_next_page: bool = strawberry.field(description="Whether there are more results.")
    has_previous_page: bool = strawberry.field(description="Whether this is not the first page.")
    start_cursor: str | None = strawberry.field(description="The first edge's cursor.")
    end_cursor: str | None = strawberry.field(
        description="The last edge's cursor; pass it as `after` for the next page."
    )


@strawberry.type
class Edge(Generic[N]):
    """An item on a page."""

    cursor: str = strawberry.field(description="Pass it as `after` to continue after this item.")
    node: N = strawberry.field(description="The item.")


@strawberry.type
class Connection(Generic[E, N]):
    """A page of a list."""

    edges: list[E] = strawberry.field(description="The items with their cursors.")
    nodes: list[N] = strawberry.field(description="The items.")
    page_info: PageInfo = strawberry.field(description="Position of the page.")
    total_count: int | None = strawberry.field(
        description="The exact number of results; counted only when selected, null above 10,000."
    )


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page a client asks for: `size` items (0: the default) after the cursor `token`; `count` asks for the total."""

    size: int
    token: str
    count: bool


def page_size(first: int | None) -> int:
    """0 means the default in the contracts, so a client's own 0 is rejected here."""
    if first == 0:
        rule = "must be between 1 and 100"
        raise InvalidArgument(f"first: {rule}", fields=[Violation(("first",), rule)])
    return 0 if first is None else first


class ListResponse(Protocol):
    """What the contracts' responses of lists share."""

    @property
    def has_next_page(self) -> bool: ...
    @property
    def total_count(self) -> int: ...
    def HasField(self, field_name: Any, /) -> bool: ...  # noqa: N802 - protobuf's name


def connection(
    kind: type[C], edges: Sequence[Edge[Any]], response: ListResponse, token: str, **fields: Any
) -> C:
    """The connection of the page after the cursor `token`; `fields` are those that only this kind of connection has."""
    return kind(
        edges=list(edges),
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=response.has_next_page,
            has_previous_page=bool(token),
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        total_count=response.total_count if response.HasField("total_count") else None,
        **fields,
    )
