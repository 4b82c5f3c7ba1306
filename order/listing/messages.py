"""List requests and pages <-> the domain. All errors of a request are reported at once."""

import re
from datetime import datetime
from uuid import UUID

from souk.order.v1 import order_pb2 as pb
from souk.order.v1 import order_service_pb2 as service

from kit.values import FieldReader, Page, encode_position, timestamp_from_proto, timestamp_to_proto
from order.listing.ports import OrderFilter, OrderSummary
from order.orders.domain import Order, Status
from order.orders.messages import STATUS_PREFIX, order_to_proto

_STATUSES = {
    number: Status(name.removeprefix(STATUS_PREFIX)) for name, number in pb.OrderStatus.items() if number
}

_NUMBER = re.compile(r"[0-9]{1,18}")


def filter_from_proto(request: service.ListOrdersRequest, account_id: UUID | None) -> OrderFilter:
    """The filter of a list, limited to an account; raises InvalidArgument."""
    reader = FieldReader()
    requested = (
        request.status_filter.values if request.HasField("status_filter") else request.statuses or None
    )
    reader.require(set(requested or ()) <= _STATUSES.keys(), "must be known statuses", "filter", "statuses")
    after = _instant(reader, request, "created_after", "createdAfter")
    before = _instant(reader, request, "created_before", "createdBefore")
    number = parse_number(request.number)
    valid = number is not None or not request.HasField("number")
    reader.require(valid, "must be an order's number, 1 to 18 digits", "filter", "number")
    reader.raise_if_invalid()
    statuses = None if requested is None else tuple(_STATUSES[value] for value in sorted(set(requested)))
    return OrderFilter(account_id, statuses, after, before, number)


def cursor_scope(filter: OrderFilter) -> str:
    """Binds cursors to their list. Without a number it is what earlier releases wrote, whose cursors stay valid."""
    before, _, _ = repr(filter).rpartition(", number=")
    return f"{before})" if filter.number is None else repr(filter)


def parse_number(text: str) -> int | None:
    """An order's number as people write it; None for a text that is none."""
    number = text.strip()
    return int(number) if _NUMBER.fullmatch(number) else None


def summary_to_proto(
    summary: OrderSummary | None,
) -> service.SummarizeAccountOrdersResponse.Summary:
    """What an account has ordered; None: nothing."""
    if summary is None:
        return service.SummarizeAccountOrdersResponse.Summary()
    return service.SummarizeAccountOrdersResponse.Summary(
        has_orders=True,
        has_open_orders=summary.has_open,
        update_time=timestamp_to_proto(summary.update_time),
    )


def page_to_proto(page: Page[Order], filter: OrderFilter, *, internal: bool) -> service.ListOrdersResponse:
    """A page whose cursors are bound to the filter."""
    entries = [
        service.ListOrdersResponse.Entry(
            order=order_to_proto(order, internal=internal),
            cursor=encode_position(cursor_scope(filter), order.create_time, order.id),
        )
        for order in page.items
    ]
    return service.ListOrdersResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)


def _instant(
    reader: FieldReader, request: service.ListOrdersRequest, field: str, name: str
) -> datetime | None:
    """An optional instant; a Timestamp can exceed the range of datetime."""
    if not request.HasField(field):
        return None
    try:
        return timestamp_from_proto(getattr(request, field))
    except (ValueError, OverflowError):
        reader.violations.add(("filter", name), "must be an instant between the years 1 and 9999")
        return None
