"""The gRPC methods of orders on a server in this process: responses and errors."""

import pytest
from souk.order.v1 import order_pb2

from kit.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from kit.testing.principals import admin, customer
from kit.values import ORDER
from order.tests.edge import Edge, edge

__all__ = ["edge"]


async def test_get_order_is_for_the_owner_and_admins(edge: Edge) -> None:
    owner = customer()
    order = await edge.place(owner)

    assert await edge.get(owner, order.id) == order
    assert (await edge.get(admin(), order.id)).id == order.id
    with pytest.raises(NotFound):
        await edge.get(customer(), order.id)


@pytest.mark.parametrize("order_id", ["", "ord_", "7", "prod_01h455vb4pex5vsknk084sn02q"])
async def test_get_order_rejects_a_malformed_id(edge: Edge, order_id: str) -> None:
    with pytest.raises(InvalidArgument):
        await edge.get(customer(), order_id)


async def test_get_order_of_an_unknown_order_is_not_found(edge: Edge) -> None:
    with pytest.raises(NotFound):
        await edge.get(admin(), ORDER.format(ORDER.new()))


async def test_cancel_order_cancels_the_callers_order(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.place(owner)

    cancelled = await edge.cancel(owner, order.id, " changed my mind ")

    assert cancelled.status == order_pb2.ORDER_STATUS_CANCELLED
    assert cancelled.cancel_reason == order_pb2.CANCEL_REASON_CUSTOMER
    assert (cancelled.status_reason, cancelled.history[-1].note) == ("changed my mind", "changed my mind")
    assert await edge.cancel(owner, order.id) == cancelled == await edge.get(owner, order.id)


async def test_cancel_order_is_for_the_owner_and_admins(edge: Edge) -> None:
    order = await edge.place(customer())

    with pytest.raises(NotFound) as rejection:
        await edge.cancel(customer(), order.id)
    assert rejection.value.reason == "ORDER_NOT_FOUND"
    assert (await edge.cancel(admin(), order.id)).cancel_reason == order_pb2.CANCEL_REASON_ADMIN


async def test_cancel_order_of_a_shipped_order_names_both_statuses(edge: Edge) -> None:
    order = await edge.paid(customer())
    await edge.move(admin(), order.id)

    with pytest.raises(FailedPrecondition, match="SHIPPED and cannot become CANCELLED") as rejection:
        await edge.cancel(admin(), order.id)
    assert rejection.value.reason == "ORDER_STATE"
    assert rejection.value.details == {"status": "SHIPPED", "wanted": "CANCELLED"}


@pytest.mark.parametrize(
    ("order_id", "reason", "paths"),
    [
        ("", "", [("id",)]),
        ("prod_01h455vb4pex5vsknk084sn02q", "x" * 501, [("id",), ("reason",)]),
        (ORDER.format(ORDER.new()), "a\x00b", [("reason",)]),
    ],
)
async def test_cancel_order_names_every_invalid_field(
    edge: Edge, order_id: str, reason: str, paths: list[tuple[str, ...]]
) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await edge.cancel(customer(), order_id, reason)
    assert [fault.path for fault in rejection.value.fields] == paths


async def test_update_order_status_shows_the_customer_only_the_public_note(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.paid(owner)

    shipped = await edge.move(admin(), order.id, note="by bike", internal_note="fragile")

    assert shipped.status == order_pb2.ORDER_STATUS_SHIPPED
    assert (shipped.history[-1].note, shipped.history[-1].internal_note) == ("by bike", "fragile")
    seen = await edge.get(owner, order.id)
    assert (seen.history[-1].note, seen.history[-1].internal_note) == ("by bike", "")
    delivered = await edge.move(admin(), order.id, status=order_pb2.ORDER_STATUS_DELIVERED)
    assert delivered.version == shipped.version + 1


async def test_update_order_status_is_for_admins(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.paid(owner)

    with pytest.raises(PermissionDenied):
        await edge.move(owner, order.id)


@pytest.mark.parametrize("status", [0, 1, 2, 5, 99])
async def test_update_order_status_accepts_only_shipped_and_delivered(edge: Edge, status: int) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await edge.move(
            admin(), ORDER.format(ORDER.new()), status=status, note="x" * 501, internal_note="\x07"
        )
    assert [fault.path for fault in rejection.value.fields] == [("status",), ("note",), ("internalNote",)]


async def test_update_order_status_of_an_unpaid_order_is_rejected(edge: Edge) -> None:
    order = await edge.place(customer())

    with pytest.raises(FailedPrecondition) as rejection:
        await edge.move(admin(), order.id)
    assert (rejection.value.reason, rejection.value.details["status"]) == ("ORDER_STATE", "PENDING")


async def test_update_order_status_of_an_unknown_order_is_not_found(edge: Edge) -> None:
    with pytest.raises(NotFound):
        await edge.move(admin(), ORDER.format(ORDER.new()))
