"""The filter of list requests."""

from typing import Any

import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import InvalidArgument
from order.listing.messages import cursor_scope, filter_from_proto
from order.listing.ports import OrderFilter
from order.orders.domain import Status


def test_an_empty_list_of_statuses_matches_nothing_and_a_missing_one_everything() -> None:
    def statuses(**fields: Any) -> tuple[Status, ...] | None:
        return filter_from_proto(pb.ListOrdersRequest(**fields), None).statuses

    assert statuses() is None
    assert statuses(status_filter=pb.OrderStatuses()) == ()
    assert statuses(statuses=["ORDER_STATUS_SHIPPED"]) == (Status.SHIPPED,)
    chosen = pb.OrderStatuses(values=["ORDER_STATUS_SHIPPED"])
    assert statuses(status_filter=chosen, statuses=["ORDER_STATUS_PENDING"]) == (Status.SHIPPED,)
    unknown = pb.OrderStatuses()
    unknown.MergeFromString(b"\x0a\x01\x63")
    with pytest.raises(InvalidArgument):
        statuses(status_filter=unknown)


@pytest.mark.parametrize("number", ["", "ord_1", "1042a", "-1", "1" * 19, "\u0661"])
def test_a_number_that_no_order_can_have_is_rejected(number: str) -> None:
    with pytest.raises(InvalidArgument) as rejected:
        filter_from_proto(pb.ListOrdersRequest(number=number), None)
    assert [violation.path for violation in rejected.value.fields] == [("filter", "number")]


def test_a_number_is_read_and_a_missing_one_matches_every_order() -> None:
    assert filter_from_proto(pb.ListOrdersRequest(number=" 1042 "), None).number == 1042
    assert filter_from_proto(pb.ListOrdersRequest(), None).number is None


def test_cursors_of_the_release_before_numbers_stay_valid() -> None:
    assert (
        cursor_scope(OrderFilter())
        == "OrderFilter(account_id=None, statuses=None, created_after=None, created_before=None)"
    )
    assert cursor_scope(OrderFilter(number=1042)) != cursor_scope(OrderFilter())
