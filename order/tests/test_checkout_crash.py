"""A cart becomes one order: with replicas that race, and replicas that are killed at the steps of a checkout."""

import asyncio

import pytest
from souk.order.v1 import order_pb2

from kit.errors import FailedPrecondition, SoukError
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from order.tests.crash_stack import Stack, stack

__all__ = ["database_url", "postgres", "stack"]


async def test_fifty_concurrent_checkouts_on_two_replicas_place_one_order(stack: Stack) -> None:
    replicas = await asyncio.gather(stack.replica(), stack.replica())
    cart = await stack.add_to_cart(replicas[0])

    orders = await asyncio.gather(*(stack.check_out(replicas[index % 2], cart) for index in range(50)))

    assert len({order.id for order in orders}) == 1
    assert {order.cart_id for order in orders} == {cart.id}
    assert stack.reserved() == {orders[0].id}
    assert await stack.rows() == (1, 1, 1)


async def test_fifty_concurrent_additions_on_two_replicas_make_one_cart(stack: Stack) -> None:
    replicas = await asyncio.gather(stack.replica(), stack.replica())

    carts = await asyncio.gather(*(stack.add_to_cart(replicas[index % 2], quantity=1) for index in range(50)))

    assert len({cart.id for cart in carts}) == 1
    rows = await stack.observer.fetch("SELECT quantity FROM cart_lines")
    assert [row["quantity"] for row in rows] == [50]
    assert await stack.observer.fetchval("SELECT version FROM carts") == 50


async def test_a_crash_between_reserving_and_writing_leaves_the_cart_open_for_the_same_order(
    stack: Stack,
) -> None:
    first = await stack.replica()
    cart = await stack.add_to_cart(first)
    stack.stock.may_respond.clear()
    calling = asyncio.create_task(stack.check_out(first, cart))
    await eventually(stack.reserved, seconds=30)

    await first.kill()

    with pytest.raises(SoukError):
        await calling
    assert await stack.rows() == (0, 0, 0)
    assert await stack.observer.fetchval("SELECT state FROM carts") == "OPEN"
    stack.stock.may_respond.set()
    order = await stack.check_out(await stack.replica(), cart)
    assert stack.reserved() == {order.id}
    assert await stack.rows() == (1, 1, 1)
    assert await stack.observer.fetchval("SELECT state FROM carts") == "ORDERED"


async def test_a_crash_between_writing_and_the_response_leaves_one_order(stack: Stack) -> None:
    first = await stack.replica(proxy=await stack.proxy(""))
    cart = await stack.add_to_cart(first)
    # The name of the line is sent with the statement that writes the order only.
    stack.proxies[0].trigger = b"Mug"
    calling = asyncio.create_task(stack.check_out(first, cart))

    async def written() -> bool:
        return await stack.rows() == (1, 1, 1)

    await eventually(written, seconds=30)
    assert not calling.done(), "the response must not have been sent"
    await first.kill()
    with pytest.raises(SoukError):
        await calling

    second = await stack.replica()
    again = await asyncio.gather(*(stack.check_out(second, cart) for _ in range(5)))

    assert {order.id for order in again} == stack.reserved()
    assert await stack.rows() == (1, 1, 1)


async def test_after_a_crash_a_cart_that_changed_is_not_ordered_as_it_was(stack: Stack) -> None:
    first = await stack.replica()
    cart = await stack.add_to_cart(first)
    stack.stock.may_respond.clear()
    calling = asyncio.create_task(stack.check_out(first, cart))
    await eventually(stack.reserved, seconds=30)
    await first.kill()
    with pytest.raises(SoukError):
        await calling
    stack.stock.may_respond.set()
    second = await stack.replica()
    await stack.add_to_cart(second, quantity=1)

    with pytest.raises(FailedPrecondition) as changed:
        await stack.check_out(second, cart)

    assert changed.value.reason == "CART_CHANGED"
    assert await stack.rows() == (0, 0, 0)


async def test_an_unpaid_order_opens_its_cart_at_its_deadline_after_a_crash(stack: Stack) -> None:
    first = await stack.replica(pending_seconds=2)
    cart = await stack.add_to_cart(first)
    order = await stack.check_out(first, cart)
    await first.kill()

    second = await stack.replica(pending_seconds=2)

    async def reopened() -> bool:
        return bool(await stack.observer.fetchval("SELECT state FROM carts") == "OPEN")

    await eventually(reopened, seconds=30)
    ended = await stack.check_out(second, cart)
    assert (ended.id, ended.status) == (order.id, order_pb2.ORDER_STATUS_CANCELLED)
    row = await stack.observer.fetchrow("SELECT version, order_id FROM carts")
    assert row
    assert (row["version"], row["order_id"]) == (cart.version + 2, None)
