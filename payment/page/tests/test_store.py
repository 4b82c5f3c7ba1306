"""The contract of StartStore, on the fake and on PostgreSQL: a start and the workers share one lease."""

import asyncio
from contextvars import Context
from datetime import timedelta

from kit.testing.fixtures import database_url, postgres
from payment.intents.domain import Confirmation, Intent, IntentStatus
from payment.payments.domain import Payment
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


async def claim(harness: StoreHarness, payment: Payment) -> Payment | None:
    now = harness.clock.now
    return await harness.store.claim_payment(payment.id, now, now + timedelta(seconds=20))


async def test_a_due_payment_is_leased_once_until_its_lease_ends(harness: StoreHarness) -> None:
    payment, other = await harness.add(), await harness.add()
    leased = await claim(harness, payment)
    assert leased
    assert leased.attempts == 1
    assert await claim(harness, payment) is None
    assert [claimed.id for claimed in await harness.claim()] == [other.id]
    harness.clock.advance(seconds=20)
    again = await claim(harness, payment)
    assert again
    assert again.attempts == 2


async def test_a_settled_payment_is_not_leased(harness: StoreHarness) -> None:
    assert await claim(harness, await harness.add_charged()) is None


async def test_of_concurrent_starts_and_workers_one_gets_the_lease(postgres_harness: StoreHarness) -> None:
    payment = await postgres_harness.add()

    async def start() -> list[Payment]:
        leased = await claim(postgres_harness, payment)
        return [leased] if leased else []

    calls = [call() for _ in range(10) for call in (start, postgres_harness.claim)]
    claims = await asyncio.gather(*(asyncio.create_task(call, context=Context()) for call in calls))
    assert sum(map(len, claims)) == 1


async def test_who_confirms_and_the_sealed_secret_are_stored(harness: StoreHarness) -> None:
    payment = await harness.add(confirmation=Confirmation.CLIENT)
    intent = Intent("pi_1", IntentStatus.READY, client_secret=b"sealed")
    await harness.change(payment, lambda stored: stored.apply_intent(intent, harness.clock.now))
    stored = await harness.get(payment)
    assert (stored.confirmation, stored.client_secret) == (Confirmation.CLIENT, b"sealed")
    paid = Intent("pi_1", IntentStatus.SUCCEEDED)
    await harness.change(payment, lambda stored: stored.apply_intent(paid, harness.clock.now))
    assert (await harness.get(payment)).client_secret == b""
