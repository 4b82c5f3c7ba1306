"""The gRPC methods of placing on a server in this process: responses and errors."""

from dataclasses import replace

import pytest
from souk.order.v1 import order_pb2

from kit.errors import (
    Aborted,
    FailedPrecondition,
    InvalidArgument,
    PermissionDenied,
)
from kit.testing.principals import customer
from kit.values import ACCOUNT
from order.tests.edge import Edge, edge, line

__all__ = ["edge"]


async def test_place_order_returns_the_pending_order(edge: Edge) -> None:
    caller = customer()

    order = await edge.place(caller, lines=[line(2)])

    assert order.status == order_pb2.ORDER_STATUS_PENDING
    assert order.account_id == ACCOUNT.format(caller.account_id)
    assert (order.total.units, order.total.nanos) == (19, 980_000_000)


async def test_place_order_with_the_same_meaning_returns_the_same_order(edge: Edge) -> None:
    caller = customer()
    own, key = ACCOUNT.format(caller.account_id), "the-same"
    first = await edge.place(caller, lines=[line(3)], request_id=key, expected_total="29.97")
    again = [
        await edge.place(caller, lines=lines, request_id=key, **fields)
        for lines, fields in (
            ([line(3)], {"account_id": own, "expected_total": "29.97"}),
            ([line(1), line(2)], {"expected_total": "29.9700000000"}),
            ([line(2), line(1)], {"expected_total": "29.97", "payment_method": "pm_card_visa"}),
        )
    ]
    assert {order.id for order in again} == {first.id}
    with pytest.raises(Aborted):
        await edge.place(caller, lines=[line(2)], request_id=key, expected_total="29.97")


async def test_place_order_twice_with_one_key_returns_one_order(edge: Edge) -> None:
    caller = customer()

    assert (await edge.place(caller, request_id="k")).id == (await edge.place(caller, request_id="k")).id


async def test_place_order_names_every_invalid_field(edge: Edge) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await edge.place(customer(), lines=[line(0)], payment_method="4242424242424242")

    assert [fault.path for fault in rejection.value.fields] == [
        ("products", 0, "quantity"),
        ("paymentMethod",),
    ]


async def test_guests_save_no_payment_method(edge: Edge) -> None:
    guest = replace(customer(), guest=True)
    with pytest.raises(PermissionDenied) as rejection:
        await edge.place(guest, save_method=True)
    assert rejection.value.reason == "NOT_FOR_GUESTS"
    assert await edge.place(guest)
    assert await edge.place(customer(), save_method=True)


async def test_place_order_passes_on_the_catalogs_error(edge: Edge) -> None:
    edge.shop.catalog.rejection = FailedPrecondition(
        "too little", reason="OUT_OF_STOCK", details={"lines": [{"available": 1}]}
    )

    with pytest.raises(FailedPrecondition) as rejection:
        await edge.place(customer())
    assert (rejection.value.reason, rejection.value.details["lines"]) == ("OUT_OF_STOCK", [{"available": 1}])
