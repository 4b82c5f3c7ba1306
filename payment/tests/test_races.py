"""Concurrent workers, webhooks and cancellations on one payment, on PostgreSQL."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from kit.db import Database
from kit.testing.fixtures import database_url, postgres
from kit.values import Money
from kit.work import LeaseLost
from payment.charges.orders import CancelledOrder, PlacedOrder
from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import Payment
from payment.payments.refund import ProviderRefund, RefundStatus
from payment.payments.status import PaymentStatus
from payment.provider.errors import ProviderFailed, ProviderRejected, ProviderUnavailable
from payment.tests.world import PostgresStores, World, stores
from payment.webhooks.domain import WebhookEvent

__all__ = ["database_url", "postgres", "stores"]

TOTAL = Money(10_000, "USD")


@dataclass
class Races(World):
    """The use cases on PostgreSQL."""

    def order(self) -> PlacedOrder:
        return PlacedOrder(uuid4(), uuid4(), TOTAL, "pm_card_visa", self.clock.now + timedelta(days=1))

    async def place(self, order: PlacedOrder) -> None:
        async with self.db.transaction() as tx:
            await self.orders.orders_placed(tx, [order])

    async def cancel(self, order: PlacedOrder) -> None:
        async with self.db.transaction() as tx:
            await self.orders.orders_cancelled(tx, [CancelledOrder(order.id, order.account_id, order.total)])

    async def lease(self) -> Payment:
        [payment] = await self.charges.claim(1)
        return payment

    async def finish(self) -> None:
        """Runs the workers until nothing is left to do."""
        self.clock.advance(seconds=60)
        await self.work(5)

    async def payment_of(self, order: PlacedOrder) -> Payment:
        [payment] = await self.store.find_by_orders([order.id], None)
        return payment

    async def published(self) -> Counter[str]:
        rows = await self.db.fetch("SELECT type FROM outbox")
        return Counter(row["type"].rpartition(".")[2] for row in rows)


@pytest.fixture
def world(stores: tuple[Database, PostgresStores]) -> Races:
    return Races(*stores)


async def together(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    return await asyncio.gather(*(asyncio.create_task(call, context=Context()) for call in calls))


async def test_ten_workers_charge_one_payment_once_and_publish_it_once(world: Races) -> None:
    order = world.order()
    await world.place(order)
    leased = await world.lease()
    await together(*(world.charges.advance(leased) for _ in range(10)))
    await world.finish()

    assert (await world.payment_of(order)).status is PaymentStatus.SUCCEEDED
    assert await world.published() == {"PaymentSucceeded": 1}
    assert await world.db.fetchval("SELECT count(*) FROM ledger") == 2


async def test_an_order_cancelled_while_it_is_charged_is_fully_refunded(world: Races) -> None:
    for _ in range(10):
        order = world.order()
        await world.place(order)
        leased = await world.lease()
        await together(world.charges.advance(leased), world.cancel(order), world.cancel(order))
        await world.finish()

        payment = await world.payment_of(order)
        assert payment.captured == payment.refunded
        assert len(payment.refunds) <= 1
    published = await world.published()
    assert published["PaymentRefunded"] == published["PaymentSucceeded"]
    assert published["PaymentFailed"] == 0
    assert (
        await world.db.fetchval("SELECT coalesce(sum(amount), 0) FROM ledger WHERE account = 'provider'") == 0
    )


async def test_an_order_placed_and_cancelled_concurrently_is_not_charged(world: Races) -> None:
    for _ in range(10):
        order = world.order()
        await together(*(call(order) for call in (world.place, world.cancel) * 3))
        await world.finish()
        payment = await world.payment_of(order)
        assert (payment.status, payment.captured) == (PaymentStatus.CANCELLED, Money.zero("USD"))
    assert world.provider.calls.count("confirm") == 0


async def test_a_webhook_delivered_to_ten_replicas_is_applied_once(world: Races) -> None:
    world.provider.outcome = Intent("", IntentStatus.PROCESSING)
    order = world.order()
    await world.place(order)
    await world.charges.advance(await world.lease())
    intent_id = (await world.payment_of(order)).provider_id
    world.provider.set_intent(intent_id, Intent("", IntentStatus.SUCCEEDED))

    event = WebhookEvent(uuid4(), intent_id)
    applied = await together(*(world.webhooks.receive(event) for _ in range(10)))
    assert applied.count(True) == 1
    await world.charges.advance(await world.lease())
    assert await world.published() == {"PaymentSucceeded": 1}


async def test_repeated_order_events_do_not_fail_while_the_payment_changes(world: Races) -> None:
    order = world.order()
    await world.place(order)

    async def changes() -> None:
        # due_time is indexed, so every change adds an entry to every index, which a concurrent insert may miss.
        for second in range(600):
            due = world.clock.now + timedelta(seconds=second)
            await world.db.execute("UPDATE payments SET due_time = $1 WHERE order_id = $2", due, order.id)

    async def place_again() -> None:
        for _ in range(150):
            await world.place(order)

    await together(changes(), changes(), *(place_again() for _ in range(8)))
    assert await world.db.fetchval("SELECT count(*) FROM payments") == 1


async def test_a_worker_without_its_lease_changes_nothing_after_the_payment_is_settled(world: Races) -> None:
    order = world.order()
    await world.place(order)
    slow = await world.lease()
    world.clock.advance(seconds=21)
    await world.charges.advance(await world.lease())
    before = await world.payment_of(order)
    assert before.status is PaymentStatus.SUCCEEDED

    for call in (
        world.charges.advance(slow),
        world.charges._mark_confirmed(slow, Intent("pi_other", IntentStatus.READY)),
        world.charges._save_intent(slow, Intent("pi_other", IntentStatus.DECLINED, "card_declined")),
        world.charges._schedule_retry(slow, ProviderUnavailable()),
        world.charges._reject(slow, ProviderRejected("parameter_invalid")),
        world.charges._cancel(slow),
    ):
        with pytest.raises(LeaseLost):
            await call

    assert await world.payment_of(order) == before
    world.clock.advance(days=1)
    assert await world.charges.claim(10) == []
    assert await world.published() == {"PaymentSucceeded": 1}


async def test_a_worker_with_an_expired_lease_does_not_call_the_provider(world: Races) -> None:
    order = world.order()
    await world.place(order)
    slow = await world.lease()
    world.clock.advance(seconds=21)
    with pytest.raises(LeaseLost):
        await world.charges.advance(slow)
    assert world.provider.calls == []


async def test_a_worker_without_its_lease_leaves_the_result_to_the_current_worker(world: Races) -> None:
    order = world.order()
    await world.place(order)
    slow = await world.lease()
    slow_intent = await world.provider.create(slow)
    slow = await world.charges._mark_confirmed(slow, slow_intent)
    world.clock.advance(seconds=21)
    quick = await world.lease()
    assert quick.attempts == slow.attempts + 1
    with pytest.raises(LeaseLost):
        await world.charges._save_intent(slow, Intent(slow_intent.id, IntentStatus.DECLINED, "card_declined"))
    world.provider.set_intent(slow_intent.id, Intent("", IntentStatus.SUCCEEDED))
    await world.charges.advance(quick)
    assert (await world.payment_of(order)).status is PaymentStatus.SUCCEEDED
    assert await world.published() == {"PaymentSucceeded": 1}


async def test_a_refund_worker_without_its_lease_changes_nothing(world: Races) -> None:
    order = world.order()
    await world.place(order)
    await world.charges.advance(await world.lease())
    await world.cancel(order)
    [slow] = await world.refunds.claim(1)
    world.clock.advance(seconds=21)
    [quick] = await world.refunds.claim(1)
    await world.refunds.make(quick)
    before = await world.payment_of(order)

    for call in (
        world.refunds.make(slow),
        world.refunds._save_result(slow, ProviderRefund("re_other", done=False, rejected=True)),
        world.refunds._schedule_retry(slow, ProviderFailed()),
    ):
        with pytest.raises(LeaseLost):
            await call

    assert await world.payment_of(order) == before
    world.clock.advance(days=1)
    assert await world.refunds.claim(10) == []
    assert len(world.provider.refunded) == 1


async def test_many_orders_in_different_states_are_cancelled_concurrently(world: Races) -> None:
    charged, waiting, unknown = world.order(), world.order(), world.order()
    await world.place(charged)
    await world.charges.advance(await world.lease())
    await world.place(waiting)
    cancelled = [
        CancelledOrder(order.id, order.account_id, order.total) for order in (unknown, waiting, charged)
    ]

    async def cancel_all() -> None:
        async with world.db.transaction() as tx:
            await world.orders.orders_cancelled(tx, cancelled)

    await together(cancel_all(), cancel_all(), cancel_all())
    await world.finish()

    states = [(await world.payment_of(order)).status for order in (charged, waiting, unknown)]
    assert states == [PaymentStatus.SUCCEEDED, PaymentStatus.CANCELLED, PaymentStatus.CANCELLED]
    assert (await world.payment_of(charged)).refunded == TOTAL
    remaining = "SELECT sum(amount) FROM ledger WHERE account = 'provider'"
    assert await world.db.fetchval(remaining) == 0


async def test_a_refund_that_the_bank_returned_is_reversed_in_the_ledger_once_it_failed(world: Races) -> None:
    order = world.order()
    await world.place(order)
    await world.charges.advance(await world.lease())
    await world.cancel(order)
    await world.finish()
    [refund] = (await world.payment_of(order)).refunds
    world.provider.returned.add(refund.provider_id)
    world.provider.refund_results = [ProviderRefund("re_1", done=False, rejected=True, final=True)]
    await world.webhooks.receive(WebhookEvent(uuid4(), refund_id=refund.provider_id, failed=True))
    await world.finish()

    payment = await world.payment_of(order)
    assert [refund.status for refund in payment.refunds] == [RefundStatus.FAILED, RefundStatus.SUCCEEDED]
    assert payment.refunded == TOTAL
    rows = await world.db.fetch("SELECT amount FROM ledger WHERE account = 'provider'")
    assert sorted(row["amount"] for row in rows) == [-10_000, -10_000, 10_000, 10_000]
