"""What all connections share."""

from typing import Annotated

import strawberry

First = Annotated[int | None, strawberry.argument(description="How many, 1-100; null means 20.")]
After = Annotated[str | None, strawberry.argument(description="The cursor after which to go on.")]

TOTAL_COUNT = "How many there are in all, exactly; counted only when selected, and null when there are more than 10,000."


@strawberry.type(description="Where a page stands. Cursors are opaque and bound to query, filter and sort.")
class PageInfo:
    """Where a page stands."""

    has_next_page: bool = strawberry.field(description="Whether more follow.")
    has_previous_page: bool = strawberry.field(description="Whether this is not the first page.")
    start_cursor: str | None = strawberry.field(description="The first edge's cursor.")
    end_cursor: str | None = strawberry.field(description="The last edge's cursor; pass it as after.")
