"""What a restore to an earlier time loses, on PostgreSQL and the Stripe mock: nothing is charged twice, and no money is kept for nothing.

A restore is imitated by writing rows back as they were.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kit.auth import Principal, Role
from kit.db import Database
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from payment.charges.orders import CancelledOrder
from payment.payments.domain import Payment
from payment.payments.status import PaymentStatus
from payment.provider.errors import ProviderFailed, ProviderUnavailable
from payment.reconciliation.domain import Outcome
from payment.reconciliation.stripe_records import StripeRecords
from payment.reconciliation.use_cases import Reconciliation
from payment.refunds.domain import RefundRequest
from payment.tests.fakes import new_payment
from payment.tests.stripe_stub import StripeMock, adapter, stripe_mock
from payment.tests.world import PostgresStores, World, stores

__all__ = ["database_url", "postgres", "stores"]

SINCE = datetime.now(UTC) - timedelta(minutes=5)


@dataclass
class Restored:
    """The payment service on its database, and a provider that keeps what the database loses."""

    world: World
    reconciliation: Reconciliation
    mock: StripeMock

    async def place(self, card: str = "pm_card_visa") -> Payment:
        payment = replace(new_payment(self.world.clock), payment_method=card)
        async with self.world.db.transaction() as tx:
            await self.world.store.add(tx, [payment])
        return payment

    async def charged(self, card: str = "pm_card_visa") -> Payment:
        payment = await self.place(card)
        await self.world.work()
        return payment

    async def lose(self, payment: Payment) -> None:
        await self.lose_refunds(payment)
        await self.delete("DELETE FROM ledger WHERE payment_id = $1", payment)
        await self.delete("DELETE FROM payments WHERE id = $1", payment)

    async def lose_refunds(self, payment: Payment) -> None:
        await self.delete("DELETE FROM ledger WHERE payment_id = $1 AND entry <> $1", payment)
        await self.delete("DELETE FROM refunds WHERE payment_id = $1", payment)

    async def delete(self, sql: str, payment: Payment) -> None:
        async with self.world.db.transaction() as tx:
            # The ledger's trigger allows no deletion.
            await tx.execute("SET LOCAL session_replication_role = replica")
            await tx.execute(sql, payment.id)

    async def restore(self, payment: Payment) -> None:
        """Its row is as it was when its order was placed."""
        await self.lose(payment)
        async with self.world.db.transaction() as tx:
            await self.world.store.add(tx, [payment])
        # As after a day.
        self.mock.api.inject(b'{"keys": "forgotten"}')

    async def reconcile(self) -> list[Outcome]:
        return [finding.outcome async for finding in self.reconciliation.run(SINCE)]

    async def current(self, payment: Payment) -> Payment:
        [stored] = await self.world.store.get_many([payment.id], None)
        return stored

    async def events(self, payment: Payment) -> list[str]:
        rows = await self.world.db.fetch("SELECT type FROM outbox ORDER BY id")
        return [row["type"].rpartition(".")[2] for row in rows]

    def made(self) -> tuple[int, int]:
        """The number of charges at the provider, and the amount that it refunded."""
        charges = [intent for intent in self.mock.provider.intents() if intent["status"] == "succeeded"]
        return len(charges), sum(refund["amount"] for refund in self.mock.provider.refunds(None))

    async def ledger(self) -> int:
        """What the ledger says that the provider holds."""
        sql = "SELECT coalesce(sum(amount), 0)::bigint FROM ledger WHERE account = 'provider'"
        total: int = await self.world.db.fetchval(sql)
        return total


@pytest.fixture
async def restored(stores: tuple[Database, PostgresStores], tmp_path: Path) -> AsyncIterator[Restored]:
    db, store = stores
    with stripe_mock(tmp_path) as mock:
        stripe: Any = adapter(mock.url)
        await stripe.open()
        world = World(db, store, stripe, FakeClock())
        yield Restored(world, Reconciliation(db, store, StripeRecords(stripe), clock=world.clock), mock)
        await stripe.close()


async def test_what_was_charged_for_a_lost_order_is_refunded_once(restored: Restored) -> None:
    payment = await restored.charged()
    await restored.lose(payment)

    assert await restored.reconcile() == [Outcome.LOST_ORDER]
    await restored.world.work(2)

    assert restored.made() == (1, 10_000)
    assert (await restored.current(payment)).refunded == payment.amount
    assert await restored.ledger() == 0
    assert await restored.reconcile() == []
    # The order service does not know the order: it learns of nothing but the refund.
    assert (await restored.events(payment))[1:] == ["PaymentRefunded"]


async def test_a_lost_order_that_was_refunded_already_is_not_refunded_again(restored: Restored) -> None:
    payment = await restored.charged()
    async with restored.world.db.transaction() as tx:
        order = CancelledOrder(payment.order_id, payment.account_id, payment.amount)
        await restored.world.orders.orders_cancelled(tx, [order])
    await restored.world.work()
    await restored.lose(payment)
    restored.mock.api.inject(b'{"keys": "forgotten"}')

    assert await restored.reconcile() == [Outcome.LOST_ORDER]
    await restored.world.work(2)

    assert restored.made() == (1, 10_000)
    assert (await restored.current(payment)).refunded == payment.amount


async def test_a_lost_order_whose_buyer_has_not_authenticated_can_no_longer_be_charged(
    restored: Restored,
) -> None:
    payment = await restored.charged("pm_card_authenticationRequired")
    await restored.lose(payment)

    assert await restored.reconcile() == [Outcome.LOST_ORDER]
    await restored.world.work(2)

    [intent] = restored.mock.provider.intents()
    assert intent["status"] == "canceled"
    assert (await restored.current(payment)).status is PaymentStatus.CANCELLED


async def test_an_open_payment_takes_the_charge_that_was_made_and_makes_no_other(restored: Restored) -> None:
    payment = await restored.charged()
    await restored.restore(payment)

    assert await restored.reconcile() == [Outcome.ATTACHED]
    await restored.world.work()

    assert restored.made() == (1, 0)
    assert (await restored.current(payment)).status is PaymentStatus.SUCCEEDED
    assert await restored.ledger() == 10_000
    assert await restored.reconcile() == []


async def test_a_payment_that_expired_after_the_restore_takes_the_charge_and_is_refunded(
    restored: Restored,
) -> None:
    payment = await restored.charged()
    await restored.restore(payment)
    restored.world.clock.advance(minutes=20)
    await restored.world.work()
    assert (await restored.current(payment)).status is PaymentStatus.CANCELLED

    assert await restored.reconcile() == [Outcome.REOPENED]
    await restored.world.work()
    assert (await restored.events(payment))[-1] == "PaymentSucceeded"
    async with restored.world.db.transaction() as tx:
        order = CancelledOrder(payment.order_id, payment.account_id, payment.amount)
        await restored.world.orders.orders_cancelled(tx, [order])
    await restored.world.work()

    assert restored.made() == (1, 10_000)
    assert await restored.ledger() == 0


async def test_a_refund_that_was_lost_is_known_again_and_not_made_again(restored: Restored) -> None:
    payment = await restored.charged()
    admin = Principal(uuid4(), Role.ADMIN, uuid4())
    request = RefundRequest(payment.id, Decimal(40), "damaged", "key")
    await restored.world.refunds.refund_payment(admin, request)
    await restored.world.work()
    await restored.lose_refunds(payment)

    assert await restored.reconcile() == [Outcome.REFUND_ADDED]
    await restored.world.work()

    assert restored.made() == (1, 4_000)
    assert (await restored.current(payment)).refunded.minor == 4_000
    assert (await restored.events(payment))[-1] == "PaymentRefunded"
    assert await restored.ledger() == 6_000
    assert await restored.reconcile() == []


async def test_without_a_restore_it_finds_nothing_on_all_pages(restored: Restored) -> None:
    for _ in range(3):
        await restored.charged()
    stripe: Any = restored.world.provider
    ids = [charge.payment_id async for charge in StripeRecords(stripe, page_size=2).charges(SINCE)]
    assert len(set(ids)) == len(ids) == 3
    assert await restored.reconcile() == []


async def test_a_provider_that_does_not_respond_at_once_is_asked_again(restored: Restored) -> None:
    payment = await restored.charged()
    await restored.lose(payment)
    stripe: Any = restored.world.provider
    read, failures = stripe.read, [ProviderUnavailable(), ProviderFailed()]

    async def fail_first(operation: str, call: Any) -> Any:
        if failures:
            raise failures.pop()
        return await read(operation, call)

    stripe.read = fail_first
    assert await restored.reconcile() == [Outcome.LOST_ORDER]
