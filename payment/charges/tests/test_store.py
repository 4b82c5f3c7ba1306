"""The contract of ChargeStore, on the fake and on PostgreSQL; concurrent claims on PostgreSQL."""

import asyncio
from contextvars import Context
from datetime import timedelta

from kit.testing.fixtures import database_url, postgres
from kit.testing.rows_read import rows_read
from payment.intents.domain import Intent, IntentStatus
from payment.payments.status import PaymentStatus
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


async def test_a_payment_is_claimed_again_after_its_lease(harness: StoreHarness) -> None:
    first, second = await harness.add(), await harness.add()
    assert [payment.id for payment in await harness.claim(1)] == [first.id]
    assert [payment.id for payment in await harness.claim()] == [second.id]
    assert await harness.claim() == []
    harness.clock.advance(seconds=20)
    assert {payment.attempts for payment in await harness.claim()} == {2}


async def test_settled_payments_are_not_claimed(harness: StoreHarness) -> None:
    await harness.add_charged()
    harness.clock.advance(seconds=3600)
    assert await harness.claim() == []


async def test_concurrent_claims_lease_each_payment_once(postgres_harness: StoreHarness) -> None:
    payments = [await postgres_harness.add() for _ in range(40)]
    claims = await asyncio.gather(
        *(asyncio.create_task(postgres_harness.claim(5), context=Context()) for _ in range(12))
    )
    claimed = [payment.id for claim in claims for payment in claim]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) == {payment.id for payment in payments}


async def test_a_claim_reads_few_rows_of_a_long_queue_that_was_empty_when_the_plan_was_made(
    postgres_harness: StoreHarness,
) -> None:
    db = postgres_harness.db
    for _ in range(60):
        await postgres_harness.add_charged()
    await db.execute("ALTER TABLE payments SET (autovacuum_enabled = off)")
    await db.execute("ANALYZE payments")
    assert await postgres_harness.claim() == []
    for _ in range(500):
        await postgres_harness.add()
    before = await rows_read(db)

    assert len(await postgres_harness.claim()) == 10

    assert await rows_read(db) - before < 100


async def test_payments_that_may_not_be_charged_are_cancelled_in_batches(harness: StoreHarness) -> None:
    late, later, cancelled, started, leased = [await harness.add() for _ in range(5)]
    await harness.change(cancelled, lambda stored: stored.cancel_for_order(harness.clock.now))
    await harness.change(
        started, lambda stored: stored.apply_intent(Intent("pi_1", IntentStatus.READY), harness.clock.now)
    )
    harness.clock.advance(minutes=30)
    await harness.change(
        leased, lambda stored: setattr(stored, "due_time", harness.clock.now + timedelta(seconds=20))
    )
    fresh = await harness.add()

    # Payments to cancel do not use up the rate limit of charges.
    assert {payment.id for payment in await harness.claim()} == {started.id, fresh.id}
    assert await harness.store.cancel_expired(harness.clock.now, 2) == 2
    assert await harness.store.cancel_expired(harness.clock.now, 2) == 1
    assert await harness.store.cancel_expired(harness.clock.now, 2) == 0

    outcomes = {
        p.id: (p.status, p.due_time)
        for p in [await harness.get(payment) for payment in (late, later, cancelled)]
    }
    assert set(outcomes.values()) == {(PaymentStatus.CANCELLED, None)}
    for other in (started, leased, fresh):
        assert (await harness.get(other)).status is PaymentStatus.PROCESSING
