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
from kit.work import LeaseLost
from payment.domain import Intent, IntentStatus, Payment, PaymentStatus
from payment.errors import ProviderFailed, ProviderRefused, ProviderUnavailable
from payment.events import TOPIC
from payment.ports import Hint
from payment.refund_domain import ProviderRefund, RefundStatus
from payment.refund_use_cases import Refunds
from payment.store import PostgresPaymentStore
from payment.tests.fakes import FakeProvider
from payment.use_cases import CancelledOrder, Payments, PlacedOrder

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

    @property
    def refunds(self) -> Refunds:
        return Refunds(self.db, PostgresPaymentStore(self.db), self.provider, clock=lambda: self.clock.now)

    def order(self) -> PlacedOrder:
        return PlacedOrder(uuid4(), uuid4(), TOTAL, "pm_card_visa", self.clock.now + timedelta(days=1))

    async def placed(self, order: PlacedOrder) -> None:
        async with self.db.transaction() as tx:
            await self.payments.orders_placed(tx, [order])

    async def cancelled(self, order: PlacedOrder) -> None:
        async with self.db.transaction() as tx:
            await self.payments.orders_cancelled(
                tx, [CancelledOrder(order.id, order.account_id, order.total)]
            )

    async def leased(self) -> Payment:
        [payment] = await self.payments.claim(1)
        return payment

    async def quiet(self) -> None:
        """What the pools do until nothing is left to do."""
        for _ in range(5):
            self.clock.advance(seconds=60)
            for payment in await self.payments.claim(10):
                await self.payments.advance(payment)
            for refund in await self.refunds.claim(10):
                await self.refunds.make(refund)
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


async def test_a_worker_that_wakes_after_another_has_ended_the_payment_changes_nothing(world: World) -> None:
    order = world.order()
    await world.placed(order)
    slow = await world.leased()
    world.clock.advance(seconds=21)
    await world.payments.advance(await world.leased())
    before = await world.of(order)
    assert before.status is PaymentStatus.SUCCEEDED

    for wakes in (
        world.payments.advance(slow),
        world.payments._confirming(slow, Intent("pi_other", IntentStatus.READY)),
        world.payments._settle(slow, Intent("pi_other", IntentStatus.DECLINED, "card_declined")),
        world.payments._failed(slow, ProviderUnavailable()),
        world.payments._refused(slow, ProviderRefused("parameter_invalid")),
        world.payments._give_up(slow),
    ):
        with pytest.raises(LeaseLost):
            await wakes

    assert await world.of(order) == before
    world.clock.advance(days=1)
    assert await world.payments.claim(10) == []
    assert await world.told() == {"PaymentSucceeded": 1}


async def test_a_worker_whose_lease_ran_out_begins_nothing_at_the_provider(world: World) -> None:
    order = world.order()
    await world.placed(order)
    slow = await world.leased()
    world.clock.advance(seconds=21)
    with pytest.raises(LeaseLost):
        await world.payments.advance(slow)
    assert world.provider.calls == []


async def test_a_worker_that_wakes_while_another_charges_leaves_the_outcome_to_it(world: World) -> None:
    order = world.order()
    await world.placed(order)
    slow = await world.leased()
    slow_intent = await world.provider.create(slow)
    slow = await world.payments._confirming(slow, slow_intent)
    world.clock.advance(seconds=21)
    quick = await world.leased()
    assert quick.attempts == slow.attempts + 1
    with pytest.raises(LeaseLost):
        await world.payments._settle(slow, Intent(slow_intent.id, IntentStatus.DECLINED, "card_declined"))
    world.provider.answers(slow_intent.id, Intent("", IntentStatus.SUCCEEDED))
    await world.payments.advance(quick)
    assert (await world.of(order)).status is PaymentStatus.SUCCEEDED
    assert await world.told() == {"PaymentSucceeded": 1}


async def test_a_refunds_worker_that_wakes_late_changes_nothing(world: World) -> None:
    order = world.order()
    await world.placed(order)
    await world.payments.advance(await world.leased())
    await world.cancelled(order)
    [slow] = await world.refunds.claim(1)
    world.clock.advance(seconds=21)
    [quick] = await world.refunds.claim(1)
    await world.refunds.make(quick)
    before = await world.of(order)

    for wakes in (
        world.refunds.make(slow),
        world.refunds._settle(slow, ProviderRefund("re_other", done=False, refused=True)),
        world.refunds._put_off(slow, ProviderFailed()),
    ):
        with pytest.raises(LeaseLost):
            await wakes

    assert await world.of(order) == before
    world.clock.advance(days=1)
    assert await world.refunds.claim(10) == []
    assert len(world.provider.refunded) == 1


async def test_many_orders_end_at_once_whatever_has_become_of_their_charges(world: World) -> None:
    charged, waiting, unknown = world.order(), world.order(), world.order()
    await world.placed(charged)
    await world.payments.advance(await world.leased())
    await world.placed(waiting)
    ended = [CancelledOrder(each.id, each.account_id, each.total) for each in (unknown, waiting, charged)]

    async def all_end() -> None:
        async with world.db.transaction() as tx:
            await world.payments.orders_cancelled(tx, ended)

    await together(all_end(), all_end(), all_end())
    await world.quiet()

    states = [(await world.of(each)).status for each in (charged, waiting, unknown)]
    assert states == [PaymentStatus.SUCCEEDED, PaymentStatus.CANCELLED, PaymentStatus.CANCELLED]
    assert (await world.of(charged)).refunded == TOTAL
    kept = "SELECT sum(amount) FROM ledger WHERE account = 'provider'"
    assert await world.db.fetchval(kept) == 0


async def test_what_came_back_of_a_refund_is_booked_back_once_it_has_failed_for_good(world: World) -> None:
    order = world.order()
    await world.placed(order)
    await world.payments.advance(await world.leased())
    await world.cancelled(order)
    await world.quiet()
    [refund] = (await world.of(order)).refunds
    world.provider.bounced.add(refund.provider_id)
    world.provider.refuses = [ProviderRefund("re_1", done=False, refused=True, final=True)]
    await world.refunds.provider_changed(Hint(uuid4(), refund_id=refund.provider_id, failed=True))
    await world.quiet()

    found = await world.of(order)
    assert [each.status for each in found.refunds] == [RefundStatus.FAILED, RefundStatus.SUCCEEDED]
    assert found.refunded == TOTAL
    rows = await world.db.fetch("SELECT amount FROM ledger WHERE account = 'provider'")
    assert sorted(row["amount"] for row in rows) == [-10_000, -10_000, 10_000, 10_000]
