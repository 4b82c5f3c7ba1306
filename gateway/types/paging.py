"""Shared by all connections."""

import strawberry

TOTAL_COUNT = "The exact number of results; counted only when selected, null above 10,000."


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
