"""The filter of list requests."""

from typing import Any

import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import InvalidArgument
from order.listing.messages import filter_from_proto
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
