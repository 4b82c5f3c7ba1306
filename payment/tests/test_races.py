"""Races on one payment, on PostgreSQL: several workers, webhooks, and an order that ends meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from kit.db import Database, Migrations
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.values import Money
from payment.domain import Intent, IntentStatus, Payment, PaymentStatus
from payment.events import TOPIC
from payment.ports import Hint
from payment.store import PostgresPaymentStore
from payment.tests.fakes import FakeProvider
from payment.use_cases import Payments, PlacedOrder

__all__ = ["database_url", "postgres"]

TOTAL = Money(10_000, "USD")


@dataclass
class World:
    """The use cases on a real store."""

    db: Database
    provider: FakeProvider
    clock: FakeClock

    @property
    def payments(self) -> Payments:
        """As another replica has them."""
        return Payments(
            self.db,
            PostgresPaymentStore(self.db),
            self.provider,
            default_method="",
            clock=lambda: self.clock.now,
        )

    def order(self) -> PlacedOrder:
        return PlacedOrder(uuid4(), uuid4(), TOTAL, "pm_card_visa", self.clock.now + timedelta(days=1))

    async def placed(self, order: PlacedOrder) -> None:
        async with self.db.transaction() as tx:
            await self.payments.orders_placed(tx, [order])

    async def cancelled(self, order: PlacedOrder) -> None:
        async with self.db.transaction() as tx:
            await self.payments.order_cancelled(tx, order.id, order.account_id, order.total)

    async def leased(self) -> Payment:
        [payment] = await self.payments.claim(1)
        return payment

    async def quiet(self) -> None:
        """What the pools do until nothing is left to do."""
        for _ in range(5):
            self.clock.advance(seconds=60)
            for payment in await self.payments.claim(10):
                await self.payments.advance(payment)
            for refund in await self.payments.claim_refunds(10):
                await self.payments.refund(refund)
            await self.payments.give_up_overdue()

    async def of(self, order: PlacedOrder) -> Payment:
        [payment] = await PostgresPaymentStore(self.db).of_orders([order.id], None)
        return payment

    async def told(self) -> Counter[str]:
        rows = await self.db.fetch("SELECT type FROM outbox")
        return Counter(row["type"].rpartition(".")[2] for row in rows)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    await Migrations("payment").apply(database_url)
    db = Database(database_url, publishes=TOPIC, pool_size=10)
    await db.open()
    yield World(db, FakeProvider(), FakeClock())
    await db.close()


async def together(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    return await asyncio.gather(*(asyncio.create_task(call, context=Context()) for call in calls))


async def test_ten_workers_with_one_payment_charge_it_once_and_tell_it_once(world: World) -> None:
    order = world.order()
    await world.placed(order)
    leased = await world.leased()
    await together(*(world.payments.advance(leased) for _ in range(10)))
    await world.quiet()

    assert (await world.of(order)).status is PaymentStatus.SUCCEEDED
    assert await world.told() == {"PaymentSucceeded": 1}
    assert await world.db.fetchval("SELECT count(*) FROM ledger") == 2


async def test_an_order_that_ends_while_it_is_charged_keeps_no_money(world: World) -> None:
    for _ in range(10):
        order = world.order()
        await world.placed(order)
        leased = await world.leased()
        await together(world.payments.advance(leased), world.cancelled(order), world.cancelled(order))
        await world.quiet()

        found = await world.of(order)
        assert found.captured == found.refunded
        assert len(found.refunds) <= 1
    told = await world.told()
    assert told["PaymentRefunded"] == told["PaymentSucceeded"]
    assert told["PaymentFailed"] == 0
    assert (
        await world.db.fetchval("SELECT coalesce(sum(amount), 0) FROM ledger WHERE account = 'provider'") == 0
    )


async def test_an_order_heard_of_and_ended_at_once_is_charged_by_nobody_or_given_back(world: World) -> None:
    for _ in range(10):
        order = world.order()
        await together(*(call(order) for call in (world.placed, world.cancelled) * 3))
        await world.quiet()
        found = await world.of(order)
        assert (found.status, found.captured) == (PaymentStatus.CANCELLED, Money.zero("USD"))
    assert world.provider.calls.count("confirm") == 0


async def test_one_webhook_delivered_to_ten_replicas_is_heard_once(world: World) -> None:
    world.provider.outcome = Intent("", IntentStatus.PROCESSING)
    order = world.order()
    await world.placed(order)
    await world.payments.advance(await world.leased())
    intent_id = (await world.of(order)).provider_id
    world.provider.answers(intent_id, Intent("", IntentStatus.SUCCEEDED))

    hint = Hint(uuid4(), intent_id)
    heard = await together(*(world.payments.provider_changed(hint) for _ in range(10)))
    assert heard.count(True) == 1
    await world.payments.advance(await world.leased())
    assert await world.told() == {"PaymentSucceeded": 1}


async def test_an_order_heard_of_again_while_its_payment_changes_is_no_failure(world: World) -> None:
    order = world.order()
    await world.placed(order)

    async def changes() -> None:
        # An indexed column: each change is a new entry in every index, which is what an insert may look past.
        for second in range(600):
            due = world.clock.now + timedelta(seconds=second)
            await world.db.execute("UPDATE payments SET due_time = $1 WHERE order_id = $2", due, order.id)

    async def heard_again() -> None:
        for _ in range(150):
            await world.placed(order)

    await together(changes(), changes(), *(heard_again() for _ in range(8)))
    assert await world.db.fetchval("SELECT count(*) FROM payments") == 1
