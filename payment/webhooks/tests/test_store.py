"""The contract of WebhookStore, on the fake and on PostgreSQL."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from kit.testing.fixtures import database_url, postgres
from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import Payment
from payment.payments.refund import ProviderRefund, RefundStatus
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores
from payment.webhooks.domain import WebhookEvent

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


async def test_a_webhook_makes_an_open_payment_due_once(harness: StoreHarness) -> None:
    payment = await harness.add()
    await harness.change(
        payment,
        lambda stored: stored.apply_intent(Intent("pi_1", IntentStatus.PROCESSING), harness.clock.now),
    )
    later = harness.clock.now + timedelta(minutes=5)

    async def wait() -> None:
        await harness.change(payment, lambda stored: setattr(stored, "due_time", later))

    event = WebhookEvent(uuid4(), "pi_1")
    await wait()
    assert await harness.store.intent_changed(event, harness.clock.now)
    assert (await harness.get(payment)).due_time == harness.clock.now
    await wait()
    assert not await harness.store.intent_changed(event, harness.clock.now)
    assert (await harness.get(payment)).due_time == later
    assert await harness.store.intent_changed(WebhookEvent(uuid4(), "pi_1"), harness.clock.now)
    assert not await harness.store.intent_changed(WebhookEvent(uuid4(), "pi_2"), harness.clock.now)


async def test_a_webhook_for_a_settled_payment_changes_nothing(harness: StoreHarness) -> None:
    payment = await harness.add_charged()
    before = await harness.get(payment)
    assert not await harness.store.intent_changed(WebhookEvent(uuid4(), "pi_1"), harness.clock.now)
    assert await harness.get(payment) == before


async def test_a_webhook_makes_a_refund_due_while_it_is_pending(harness: StoreHarness) -> None:
    payment = await harness.add_charged()
    results = [ProviderRefund("re_1", done=False), ProviderRefund("re_1", done=True)]

    def request_refund(stored: Payment) -> None:
        stored.cancel_for_order(harness.clock.now)
        stored.apply_refund_result(stored.refunds[0], results[0], harness.clock.now)

    await harness.change(payment, request_refund)
    event = WebhookEvent(uuid4(), refund_id="re_1")
    assert await harness.store.refund_changed(event, harness.clock.now) is RefundStatus.PENDING
    assert (await harness.get(payment)).refunds[0].due_time == harness.clock.now
    assert await harness.store.refund_changed(event, harness.clock.now) is None
    await harness.change(
        payment, lambda stored: stored.apply_refund_result(stored.refunds[0], results[1], harness.clock.now)
    )
    assert (
        await harness.store.refund_changed(WebhookEvent(uuid4(), refund_id="re_1"), harness.clock.now)
        is RefundStatus.SUCCEEDED
    )
    assert (
        await harness.store.refund_changed(WebhookEvent(uuid4(), refund_id="re_2"), harness.clock.now) is None
    )


async def test_a_decline_is_counted_once_for_each_event(harness: StoreHarness) -> None:
    payment = await harness.add()
    intent = Intent("pi_1", IntentStatus.PROCESSING)
    await harness.change(payment, lambda stored: stored.apply_intent(intent, harness.clock.now))
    first = WebhookEvent(uuid4(), "pi_1", failed=True)
    for event in (first, first, WebhookEvent(uuid4(), "pi_1", failed=True), WebhookEvent(uuid4(), "pi_1")):
        await harness.store.intent_changed(event, harness.clock.now)
    assert (await harness.get(payment)).declines == 2
    # What a worker saves does not undo a count that it did not see.
    stale = replace(payment, provider_id="pi_1")
    async with harness.db.transaction() as tx:
        await harness.store.save(tx, stale)
    assert (await harness.get(payment)).declines == 2
