"""The contract of RefundStore, on the fake and on PostgreSQL."""

from datetime import timedelta

from kit.testing.fixtures import database_url, postgres
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


async def test_refunds_are_leased_like_payments(harness: StoreHarness) -> None:
    payment = await harness.add_charged()
    await harness.change(payment, lambda stored: stored.cancel_for_order(harness.clock.now))
    lease = harness.clock.now + timedelta(seconds=20)
    [refund] = await harness.store.claim_refunds(harness.clock.now, lease, 10)
    assert (refund.payment_id, refund.amount) == (payment.id, payment.amount)
    assert await harness.store.claim_refunds(harness.clock.now, lease, 10) == []
