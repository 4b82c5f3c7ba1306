"""Carts of orders that a replica of an earlier version cancelled, which knows no carts, on PostgreSQL."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer
from order.cart_moves.store import PostgresMovingStore
from order.cart_moves.use_cases import UnpaidCarts
from order.checkout.tests.checking_out import check_out
from order.closed_accounts.store import PostgresClosedAccountStore
from order.closed_accounts.use_cases import ClosedAccounts
from order.orders.domain import CancelReason, Order
from order.orders.store import PostgresOrderStore
from order.tests.cart_harness import CartHarness, carts

__all__ = ["carts", "database_url", "postgres"]


def sweep(carts: CartHarness) -> UnpaidCarts:
    """Of a process that starts now."""
    return UnpaidCarts(carts.db, PostgresMovingStore(), carts.moves, carts.clock)


async def cancel(carts: CartHarness, order: Order, reason: CancelReason) -> None:
    """As the earlier version does."""
    async with carts.db.transaction() as tx:
        store = PostgresOrderStore(carts.db)
        stored = await store.lock(tx, order.id)
        assert stored
        stored.cancel(reason, carts.clock.now)
        await store.save(tx, [stored])


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (CancelReason.PAYMENT_FAILED, "OPEN"),
        (CancelReason.PAYMENT_TIMEOUT, "OPEN"),
        (CancelReason.CUSTOMER, "OPEN"),
        (CancelReason.ADMIN, "ORDERED"),
    ],
)
async def test_an_unpaid_orders_cart_is_reopened_once(
    carts: CartHarness, reason: CancelReason, state: str
) -> None:
    await carts.add({carts.prices.sell(): 2})
    await cancel(carts, await check_out(carts), reason)
    carts.clock.advance(days=29)

    await sweep(carts).reopen()
    after = await carts.db.fetch("SELECT * FROM carts")
    await sweep(carts).reopen()

    assert [row["state"] for row in after] == [state]
    assert await carts.db.fetch("SELECT * FROM carts") == after


async def test_a_running_process_finds_what_was_cancelled_since_its_last_run(carts: CartHarness) -> None:
    running = sweep(carts)
    await running.reopen()
    carts.clock.advance(days=3)
    await running.reopen()
    await carts.add({carts.prices.sell(): 2})
    order = await check_out(carts)
    carts.clock.advance(minutes=5)
    await cancel(carts, order, CancelReason.PAYMENT_FAILED)
    carts.clock.advance(minutes=1)

    await running.reopen()

    assert list((await carts.states()).values()) == ["OPEN"]


async def test_beside_the_normal_path_and_other_sweeps_a_cart_is_reopened_once(carts: CartHarness) -> None:
    mug, callers = carts.prices.sell(), [customer() for _ in range(20)]
    for caller in callers:
        await carts.add({mug: 2}, caller)
        await check_out(carts, caller=caller)
    carts.clock.advance(minutes=11)

    await asyncio.gather(carts.orders.cancel_overdue(), *(sweep(carts).reopen() for _ in range(3)))
    await sweep(carts).reopen()

    rows = await carts.db.fetch("SELECT state, version FROM carts")
    assert [(row["state"], row["version"]) for row in rows] == [("OPEN", 3)] * 20


async def test_batches_follow_each_other_to_the_end(carts: CartHarness) -> None:
    mug, callers = carts.prices.sell(), [customer() for _ in range(5)]
    for caller in callers:
        await carts.add({mug: 2}, caller)
        await cancel(carts, await check_out(carts, caller=caller), CancelReason.PAYMENT_FAILED)
    store, count = PostgresMovingStore(), 0
    position = carts.clock.now - timedelta(days=1), uuid4()

    async with carts.db.transaction() as tx:
        after = None
        for _ in range(2):
            orders, after = await store.cancelled_orders(tx, after or position, 2)
            count += len(orders)
        assert after
        last, end = await store.cancelled_orders(tx, after, 2)

    assert (count, len(last), end) == (4, 1, None)


async def test_the_carts_of_an_account_whose_deletion_an_earlier_version_handled_are_erased(
    carts: CartHarness,
) -> None:
    await carts.add({carts.prices.sell(): 2})
    async with carts.db.transaction() as tx:
        store = PostgresClosedAccountStore(carts.db)
        await store.record_closed_account(tx, carts.caller.account_id, carts.clock.now)
    carts.clock.advance(days=2)

    orders = PostgresOrderStore(carts.db)
    closed = ClosedAccounts(carts.db, store, orders, carts.moves, carts.clock)
    await closed.cancel_orders_of_closed_accounts()

    assert await carts.states() == {}
