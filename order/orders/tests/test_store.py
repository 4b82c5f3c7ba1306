"""The contract of OrderStore, on the fake and on PostgreSQL; races on PostgreSQL."""

import asyncio
from contextvars import Context
from functools import partial
from typing import Any
from uuid import uuid4

from kit.testing.fixtures import database_url, postgres
from kit.values import Money
from order.orders.domain import CancelReason, Order
from order.tests.store_contract import NO_LIMITS, StoreHarness, harness, ids, postgres_harness

__all__ = ["database_url", "harness", "postgres", "postgres_harness"]


async def test_a_placed_order_is_read_back_complete(harness: StoreHarness) -> None:
    [order] = await harness.place()

    assert await harness.store.get(order.id, None) == order


async def test_an_order_without_an_address_is_read_back_complete(harness: StoreHarness) -> None:
    new = harness.new_order()
    new.event.order.shipping_address = None
    await harness.placing.place([new], NO_LIMITS)

    assert await harness.store.get(new.event.order.id, None) == new.event.order


async def test_an_owner_reads_only_their_own_orders(harness: StoreHarness) -> None:
    [order] = await harness.place()

    assert await harness.store.get(order.id, harness.account) is not None
    assert await harness.store.get(order.id, uuid4()) is None


async def test_a_transition_is_saved_completely(harness: StoreHarness) -> None:
    [order] = await harness.place()

    await harness.change(order, lambda stored: stored.payment_succeeded(True, harness.clock.now))
    await harness.change(order, lambda stored: stored.ship(harness.clock.now, "by bike", "fragile"))

    order.payment_succeeded(True, harness.clock.now)
    order.ship(harness.clock.now, "by bike", "fragile")
    assert await harness.store.get(order.id, None) == order


async def test_overdue_orders_are_pending_and_past_their_deadline(harness: StoreHarness) -> None:
    await harness.place_cancelled()
    first, second, _ = await harness.place(3)
    async with harness.db.transaction() as tx:
        overdue = await harness.store.lock_overdue(tx, second.deadline, 9)

    assert set(ids(overdue)) == {first.id, second.id}


async def test_an_owner_locks_only_their_own_orders(harness: StoreHarness) -> None:
    [order] = await harness.place()
    async with harness.db.transaction() as tx:
        assert await harness.store.lock(tx, order.id, harness.account) == order
        assert await harness.store.lock(tx, order.id, uuid4()) is None


async def test_the_history_is_read_back_with_its_notes(harness: StoreHarness) -> None:
    [order] = await harness.place()
    now = harness.clock.now
    steps: list[Any] = [
        lambda o: o.payment_succeeded(True, now),
        lambda o: o.ship(now, "by bike", "fragile"),
        lambda o: o.refund(Money(1, "USD"), "", now),
        lambda o: o.deliver(now, "", "left at the door"),
    ]
    for step in steps:
        await harness.change(order, step)
        step(order)

    assert await harness.store.get(order.id, None) == order
    assert order.version == 5


async def test_a_cancellation_is_read_back_with_its_reason(harness: StoreHarness) -> None:
    [order] = await harness.place()
    await harness.change(
        order, lambda o: o.cancel(CancelReason.CUSTOMER, harness.clock.now, "changed my mind")
    )

    stored = await harness.store.get(order.id, None)

    assert stored
    assert (stored.cancel_reason, stored.status_reason) == (CancelReason.CUSTOMER, "changed my mind")
    assert stored.history[-1].note == "changed my mind"


async def test_locking_an_unknown_order_returns_none(harness: StoreHarness) -> None:
    async with harness.db.transaction() as tx:
        assert await harness.store.lock(tx, uuid4()) is None
        assert await harness.store.lock_overdue(tx, harness.clock.now, 9) == []


async def test_concurrent_transitions_are_serialized_and_lose_no_history(
    postgres_harness: StoreHarness,
) -> None:
    [order] = await postgres_harness.place()
    now = postgres_harness.clock.now
    refunds = [Money(minor, "USD") for minor in (1, 2, 3, 4)]

    await asyncio.gather(
        *(postgres_harness.change(order, lambda o: o.payment_succeeded(True, now)) for _ in range(4)),
        *(
            postgres_harness.change(order, partial(Order.refund, refunded=usd, reason="", now=now))
            for usd in refunds
        ),
        postgres_harness.change(order, lambda o: o.payment_failed("card_declined", now)),
    )

    stored = await postgres_harness.store.get(order.id, None)
    assert stored
    assert stored.refunded == Money(4, "USD")
    assert len(stored.history) == 2
    assert stored.history[-1].status is stored.status
    assert await postgres_harness.db.fetchval("SELECT count(*) FROM outbox") == stored.version


async def test_concurrent_sweeps_lock_different_orders(postgres_harness: StoreHarness) -> None:
    orders = await postgres_harness.place(4)
    async with postgres_harness.db.transaction() as tx:
        first = await postgres_harness.store.lock_overdue(tx, orders[-1].deadline, 2)
        # A new context, because a task inherits the open transaction.
        second = await asyncio.create_task(_overdue(postgres_harness, orders[-1]), context=Context())

    assert set(ids(first)) | set(ids(second)) == set(ids(orders))
    assert len(second) == 2


async def _overdue(postgres_harness: StoreHarness, last: Order) -> list[Order]:
    async with postgres_harness.db.transaction() as tx:
        return await postgres_harness.store.lock_overdue(tx, last.deadline, 9)
