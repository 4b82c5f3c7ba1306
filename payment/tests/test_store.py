"""The contract of PaymentStore, on the fake and on PostgreSQL; and the ledger, which only PostgreSQL keeps."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kit.db import CheckViolation, Database, Migrations, assert_tables_match
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from payment.domain import Intent, IntentStatus, Payment, PaymentStatus
from payment.events import TOPIC
from payment.ports import Hint, PaymentStore
from payment.refund_domain import ProviderRefund, RefundStatus
from payment.store import PostgresPaymentStore
from payment.tables import TABLES
from payment.tests.fakes import FakePaymentStore, asked

__all__ = ["database_url", "postgres"]

REPAIRS = Path("payment/migrations/0004_leases.sql").read_text()
SUCCEEDED = Intent("pi_1", IntentStatus.SUCCEEDED)


@dataclass
class Kept:
    """A store with its database, fake or real."""

    db: Any
    store: PaymentStore
    clock: FakeClock

    async def added(self) -> Payment:
        payment = asked(self.clock)
        async with self.db.transaction() as tx:
            assert await self.store.add(tx, [payment]) == {payment.id}
        self.clock.advance(seconds=1)
        return payment

    async def charged(self) -> Payment:
        payment = await self.added()
        return await self.change(payment, lambda found: found.learn(SUCCEEDED, self.clock.now))

    async def change(self, payment: Payment, change: Any) -> Payment:
        async with self.db.transaction() as tx:
            found = await self.store.lock(tx, payment.id)
            assert found
            change(found)
            await self.store.save(tx, found)
        return found

    async def get(self, payment: Payment) -> Payment:
        [found] = await self.store.get_many([payment.id], None)
        return found

    async def claim(self, limit: int = 10) -> list[Payment]:
        return await self.store.claim(self.clock.now, self.clock.now + timedelta(seconds=20), limit)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[Kept]:
    await Migrations("payment").apply(database_url)
    db = Database(database_url, publishes=TOPIC, pool_size=10)
    await db.open()
    yield Kept(db, PostgresPaymentStore(db), FakeClock())
    await db.close()


@pytest.fixture(params=["fake", "postgresql"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "postgresql":
        real: Kept = request.getfixturevalue("real")
        return real
    return Kept(FakeDatabase(), FakePaymentStore(), FakeClock())


async def test_a_payment_comes_back_as_it_was(kept: Kept) -> None:
    payment = await kept.added()
    assert await kept.get(payment) == payment
    assert await kept.store.of_orders([payment.order_id, uuid4()], None) == [payment]


async def test_an_order_has_one_payment(kept: Kept) -> None:
    payment = await kept.added()
    async with kept.db.transaction() as tx:
        assert not await kept.store.add(tx, [asked(kept.clock, order_id=payment.order_id, minor=1)])
    assert await kept.get(payment) == payment


async def test_of_many_orders_each_that_is_new_gets_its_first_payment(kept: Kept) -> None:
    known = await kept.added()
    again, first, other = (
        asked(kept.clock, order_id=known.order_id, minor=1),
        asked(kept.clock),
        asked(kept.clock),
    )
    twin = asked(kept.clock, order_id=first.order_id, minor=2)
    async with kept.db.transaction() as tx:
        added = await kept.store.add(tx, [again, first, twin, other])
    assert added == {first.id, other.id}
    orders = [known.order_id, first.order_id, other.order_id]
    found = await kept.store.of_orders(orders, None)
    assert sorted(found, key=lambda p: p.id) == sorted([known, first, other], key=lambda p: p.id)


async def test_a_payment_is_nobody_elses_business(kept: Kept) -> None:
    payment = await kept.added()
    assert await kept.store.get_many([payment.id], payment.account_id) == [payment]
    assert await kept.store.get_many([payment.id], uuid4()) == []
    assert await kept.store.of_orders([payment.order_id], uuid4()) == []


async def test_a_changed_payment_is_saved_with_its_refunds(kept: Kept) -> None:
    payment = await kept.charged()
    changed = await kept.change(payment, lambda found: found.order_ended(kept.clock.now))
    assert len(changed.refunds) == 1
    assert await kept.get(payment) == changed


async def test_a_leased_payment_is_claimed_again_once_its_lease_has_ended(kept: Kept) -> None:
    first, second = await kept.added(), await kept.added()
    assert [payment.id for payment in await kept.claim(1)] == [first.id]
    assert [payment.id for payment in await kept.claim()] == [second.id]
    assert await kept.claim() == []
    kept.clock.advance(seconds=20)
    assert {payment.attempts for payment in await kept.claim()} == {2}


async def test_what_is_settled_is_not_claimed(kept: Kept) -> None:
    await kept.charged()
    kept.clock.advance(seconds=3600)
    assert await kept.claim() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments SET due_time = now() WHERE status = 'SUCCEEDED'",
        "UPDATE payments SET due_time = NULL WHERE status = 'PROCESSING'",
        "UPDATE payments SET status = 'FAILED' WHERE status = 'PROCESSING'",
        "UPDATE refunds SET due_time = NULL",
        "UPDATE refunds SET status = 'FAILED'",
    ],
)
async def test_what_is_due_is_open_and_what_is_open_is_due(real: Kept, change: str) -> None:
    await real.added()
    payment = await real.charged()
    await real.change(payment, lambda found: found.order_ended(real.clock.now))
    with pytest.raises(CheckViolation):
        await real.db.execute(change)


async def test_what_has_ended_is_not_claimed_even_if_it_is_due(real: Kept) -> None:
    payment = await real.charged()
    await real.change(payment, lambda found: found.order_ended(real.clock.now))
    await real.db.execute("ALTER TABLE payments DROP CONSTRAINT payments_due_while_open")
    await real.db.execute("ALTER TABLE refunds DROP CONSTRAINT refunds_due_while_pending")
    await real.db.execute("UPDATE payments SET due_time = $1", real.clock.now)
    await real.db.execute("UPDATE refunds SET status = 'FAILED'")
    open_one = await real.added()
    await real.db.execute("UPDATE payments SET due_time = NULL WHERE id = $1", open_one.id)
    real.clock.advance(minutes=1)
    later = real.clock.now + timedelta(seconds=20)

    assert await real.claim() == []
    assert await real.store.claim_refunds(real.clock.now, later, 10) == []
    assert await real.store.give_up(real.clock.now, 10) == 0
    await real.db.execute(REPAIRS)

    rows = await real.db.fetch("SELECT id FROM payments WHERE due_time IS NOT NULL")
    assert [row["id"] for row in rows] == [open_one.id]
    assert await real.db.fetchval("SELECT count(*) FROM refunds WHERE due_time IS NOT NULL") == 0


async def test_refunds_are_leased_like_payments(kept: Kept) -> None:
    payment = await kept.charged()
    await kept.change(payment, lambda found: found.order_ended(kept.clock.now))
    lease = kept.clock.now + timedelta(seconds=20)
    [refund] = await kept.store.claim_refunds(kept.clock.now, lease, 10)
    assert (refund.payment_id, refund.amount) == (payment.id, payment.amount)
    assert await kept.store.claim_refunds(kept.clock.now, lease, 10) == []


async def test_the_declared_tables_are_the_migrated_ones(database_url: str) -> None:
    await Migrations("payment").apply(database_url)
    await assert_tables_match(database_url, TABLES)


async def test_the_ledger_books_each_capture_and_each_refund_once_and_sums_to_zero(real: Kept) -> None:
    payment = await real.charged()
    ended = await real.change(payment, lambda found: found.order_ended(real.clock.now))
    [refund] = ended.refunds
    done = ProviderRefund("re_1", done=True)
    for _ in range(2):
        await real.change(payment, lambda found: found.refund_done(found.refunds[0], done, real.clock.now))

    rows = await real.db.fetch("SELECT entry, account, amount FROM ledger")
    assert {(row["entry"], row["account"], row["amount"]) for row in rows} == {
        (payment.id, "provider", 10_000),
        (payment.id, "customer", -10_000),
        (refund.id, "provider", -10_000),
        (refund.id, "customer", 10_000),
    }


async def test_many_claimers_get_each_payment_once(real: Kept) -> None:
    payments = [await real.added() for _ in range(40)]
    claims = await asyncio.gather(*(asyncio.create_task(real.claim(5), context=Context()) for _ in range(12)))
    claimed = [payment.id for claim in claims for payment in claim]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) == {payment.id for payment in payments}


async def test_what_may_not_be_charged_any_more_is_given_up_many_at_once(kept: Kept) -> None:
    late, later, cancelled, begun, leased = [await kept.added() for _ in range(5)]
    await kept.change(cancelled, lambda found: found.order_ended(kept.clock.now))
    await kept.change(begun, lambda found: found.learn(Intent("pi_1", IntentStatus.READY), kept.clock.now))
    kept.clock.advance(minutes=30)
    await kept.change(
        leased, lambda found: setattr(found, "due_time", kept.clock.now + timedelta(seconds=20))
    )
    fresh = await kept.added()

    # Whoever charges at a pace is not given what needs no charge.
    assert {payment.id for payment in await kept.claim()} == {begun.id, fresh.id}
    assert await kept.store.give_up(kept.clock.now, 2) == 2
    assert await kept.store.give_up(kept.clock.now, 2) == 1
    assert await kept.store.give_up(kept.clock.now, 2) == 0

    ended = {
        p.id: (p.status, p.due_time) for p in [await kept.get(each) for each in (late, later, cancelled)]
    }
    assert set(ended.values()) == {(PaymentStatus.CANCELLED, None)}
    for other in (begun, leased, fresh):
        assert (await kept.get(other)).status is PaymentStatus.PROCESSING


async def test_a_hint_makes_what_is_open_due_once(kept: Kept) -> None:
    payment = await kept.added()
    await kept.change(
        payment, lambda found: found.learn(Intent("pi_1", IntentStatus.PROCESSING), kept.clock.now)
    )
    later = kept.clock.now + timedelta(minutes=5)

    async def wait() -> None:
        await kept.change(payment, lambda found: setattr(found, "due_time", later))

    hint = Hint(uuid4(), "pi_1")
    await wait()
    assert await kept.store.intent_changed(hint, kept.clock.now)
    assert (await kept.get(payment)).due_time == kept.clock.now
    await wait()
    assert not await kept.store.intent_changed(hint, kept.clock.now)
    assert (await kept.get(payment)).due_time == later
    assert await kept.store.intent_changed(Hint(uuid4(), "pi_1"), kept.clock.now)
    assert not await kept.store.intent_changed(Hint(uuid4(), "pi_2"), kept.clock.now)


async def test_a_hint_about_what_has_ended_changes_nothing(kept: Kept) -> None:
    payment = await kept.charged()
    before = await kept.get(payment)
    assert not await kept.store.intent_changed(Hint(uuid4(), "pi_1"), kept.clock.now)
    assert await kept.get(payment) == before


async def test_a_hint_about_a_refund_makes_it_due_while_it_is_pending(kept: Kept) -> None:
    payment = await kept.charged()
    answers = [ProviderRefund("re_1", done=False), ProviderRefund("re_1", done=True)]

    def asked_for(found: Payment) -> None:
        found.order_ended(kept.clock.now)
        found.refund_done(found.refunds[0], answers[0], kept.clock.now)

    await kept.change(payment, asked_for)
    hint = Hint(uuid4(), refund_id="re_1")
    assert await kept.store.refund_changed(hint, kept.clock.now) is RefundStatus.PENDING
    assert (await kept.get(payment)).refunds[0].due_time == kept.clock.now
    assert await kept.store.refund_changed(hint, kept.clock.now) is None
    await kept.change(payment, lambda found: found.refund_done(found.refunds[0], answers[1], kept.clock.now))
    assert (
        await kept.store.refund_changed(Hint(uuid4(), refund_id="re_1"), kept.clock.now)
        is RefundStatus.SUCCEEDED
    )
    assert await kept.store.refund_changed(Hint(uuid4(), refund_id="re_2"), kept.clock.now) is None


_BOOK = "INSERT INTO ledger (entry, account, payment_id, amount, currency, time) VALUES "


async def test_nothing_is_booked_that_does_not_sum_to_zero(real: Kept) -> None:
    payment = await real.charged()
    side = f"(gen_random_uuid(), 'provider', '{payment.id}', 1, 'USD', now())"
    entry = uuid4()

    def both(amount: int, currency: str) -> str:
        first = f"('{entry}', 'provider', '{payment.id}', 1, 'USD', now())"
        return f"{first}, ('{entry}', 'customer', '{payment.id}', {amount}, '{currency}', now())"

    for rows in (side, both(-2, "USD"), both(-1, "EUR")):
        with pytest.raises(CheckViolation) as refused:
            await real.db.execute(_BOOK + rows)
        assert refused.value.constraint_name == "ledger_balances"
    await real.db.execute(_BOOK + both(-1, "USD"))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger SET amount = 0",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
        "DELETE FROM ledger WHERE false",
    ],
)
async def test_what_is_booked_stays(real: Kept, sql: str) -> None:
    await real.charged()
    with pytest.raises(CheckViolation) as refused:
        await real.db.execute(sql)
    assert refused.value.constraint_name == "ledger_stays"
