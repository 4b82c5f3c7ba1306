"""The gRPC methods of closed accounts on a server in this process: responses and errors."""

import pytest
from souk.order.v1 import order_pb2

from kit.errors import (
    FailedPrecondition,
    PermissionDenied,
)
from kit.testing.principals import admin, customer
from kit.values import ACCOUNT
from order.tests.edge import Edge, edge

__all__ = ["edge"]


async def test_close_account_orders_cancels_pending_orders(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.place(owner)

    await edge.close(owner, ACCOUNT.format(owner.account_id))

    closed = await edge.get(owner, order.id)
    assert closed.cancel_reason == order_pb2.CANCEL_REASON_ACCOUNT_DELETED
    await edge.close(admin(), ACCOUNT.format(owner.account_id))
    assert await edge.get(owner, order.id) == closed


async def test_close_account_orders_is_rejected_while_a_paid_order_is_open(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    await edge.paid(owner)
    waiting = await edge.place(owner)

    with pytest.raises(FailedPrecondition) as rejection:
        await edge.close(owner, ACCOUNT.format(owner.account_id))
    assert rejection.value.reason == "ORDERS_OPEN"
    assert (await edge.get(owner, waiting.id)).status == order_pb2.ORDER_STATUS_PENDING


async def test_close_account_orders_is_for_the_owner_and_admins(edge: Edge) -> None:
    with pytest.raises(PermissionDenied):
        await edge.close(customer(), ACCOUNT.format(ACCOUNT.new()))
