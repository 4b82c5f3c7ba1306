"""Charging, on fakes: what the provider is asked, what is published, and how every failure is handled."""

from datetime import timedelta
from uuid import uuid4

import pytest

from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import Payment, PaymentFailed, PaymentRefunded, PaymentSucceeded
from payment.payments.refund import RefundStatus
from payment.payments.status import PaymentStatus
from payment.provider.errors import ProviderFailed, ProviderRejected, ProviderUnavailable
from payment.tests.one_order import OneOrder, world
from payment.webhooks.domain import WebhookEvent

__all__ = ["world"]


async def test_an_order_is_charged_once_for_repeated_events(world: OneOrder) -> None:
    await world.place()
    await world.place()
    await world.work(3)

    assert world.provider.calls == ["create", "confirm"]
    assert world.payment.status is PaymentStatus.SUCCEEDED
    assert world.published() == [PaymentSucceeded]


async def test_an_order_without_a_payment_method_uses_the_default(world: OneOrder) -> None:
    await world.place("")
    assert world.payment.payment_method == "pm_card_visa"


async def test_a_card_number_is_never_stored(world: OneOrder) -> None:
    await world.place("4242 4242 4242 4242")
    assert world.payment.payment_method == "card_number_refused"


async def test_a_declined_payment_fails_after_its_intent_is_cancelled(world: OneOrder) -> None:
    world.provider.outcome = Intent("", IntentStatus.DECLINED, "insufficient_funds")
    await world.place()
    await world.work(2)

    assert world.provider.calls == ["create", "confirm", "cancel"]
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "insufficient_funds")
    assert world.published() == [PaymentFailed]


async def test_a_decline_is_published_after_a_delayed_cancellation(world: OneOrder) -> None:
    world.provider.outcome = Intent("", IntentStatus.DECLINED, "card_declined")
    await world.place()
    [payment] = await world.charges.claim(1)
    original = world.provider.cancel

    async def unavailable(payment: Payment) -> Intent:
        raise ProviderUnavailable()

    world.provider.cancel = unavailable  # type: ignore[method-assign]
    await world.charges.advance(payment)
    assert world.published() == []
    world.provider.cancel = original  # type: ignore[method-assign]
    world.clock.advance(seconds=60)
    await world.work()

    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "card_declined")
    assert world.published() == [PaymentFailed]


@pytest.mark.parametrize("error", [ProviderUnavailable(), ProviderFailed()])
async def test_an_unavailable_provider_is_retried_later(world: OneOrder, error: Exception) -> None:
    world.provider.errors = [error] * 3
    await world.place()
    await world.work(6)

    assert world.payment.status is PaymentStatus.SUCCEEDED
    assert world.published() == [PaymentSucceeded]


@pytest.mark.parametrize("error", [ProviderUnavailable(), ProviderFailed()])
async def test_after_a_lost_response_the_intent_is_read_first(world: OneOrder, error: Exception) -> None:
    world.provider.lost_responses = [error]
    await world.place()
    await world.work(2)

    assert world.provider.calls == ["create", "confirm", "retrieve"]
    assert world.payment.status is PaymentStatus.SUCCEEDED
    assert world.published() == [PaymentSucceeded]


async def test_a_crash_after_charging_does_not_charge_twice(world: OneOrder) -> None:
    await world.place()
    [leased] = await world.charges.claim(1)
    intent = await world.provider.create(leased)
    leased = await world.charges._mark_confirmed(leased, intent)
    await world.provider.confirm(leased)
    # The worker crashes here; its lease expires.
    world.clock.advance(seconds=60)
    await world.work()

    assert world.provider.calls == ["create", "confirm", "retrieve"]
    assert world.published() == [PaymentSucceeded]


async def test_no_charge_starts_after_pay_before(world: OneOrder) -> None:
    await world.place()
    world.clock.advance(seconds=400 * 86_400)
    await world.work()

    assert world.provider.calls == []
    assert world.payment.status is PaymentStatus.CANCELLED
    assert world.published() == []


async def test_a_leased_payment_is_not_charged_after_pay_before(world: OneOrder) -> None:
    await world.place()
    [leased] = await world.charges.claim(1)
    world.clock.advance(days=400)
    await world.charges.advance(leased)

    assert world.provider.calls == []
    assert world.payment.status is PaymentStatus.CANCELLED


async def test_an_order_cancelled_before_it_was_placed_is_never_charged(world: OneOrder) -> None:
    await world.cancel()
    await world.place()
    await world.work(2)

    assert world.provider.calls == []
    assert world.payment.status is PaymentStatus.CANCELLED


async def test_cancelling_an_order_that_requires_action_cancels_the_intent(world: OneOrder) -> None:
    world.provider.outcome = Intent("", IntentStatus.REQUIRES_ACTION, next_action_url="https://bank.example")
    await world.place()
    await world.work()
    assert (world.payment.status, world.payment.next_action_url) == (
        PaymentStatus.REQUIRES_ACTION,
        "https://bank.example",
    )
    await world.cancel()
    await world.work()

    assert world.provider.calls[-1] == "cancel"
    assert world.payment.status is PaymentStatus.CANCELLED
    assert world.published() == []


async def test_a_webhook_completes_a_payment_that_required_action(world: OneOrder) -> None:
    world.provider.outcome = Intent("", IntentStatus.REQUIRES_ACTION)
    await world.place()
    await world.work()
    intent_id = world.payment.provider_id
    world.provider.set_intent(intent_id, Intent("", IntentStatus.SUCCEEDED))

    assert await world.webhooks.receive(WebhookEvent(uuid4(), intent_id))
    await world.work()
    assert world.published() == [PaymentSucceeded]
    assert not await world.webhooks.receive(WebhookEvent(uuid4(), intent_id))
    assert not await world.webhooks.receive(WebhookEvent(uuid4(), "pi_of_another_account"))
    assert not await world.webhooks.receive(WebhookEvent(uuid4()))


async def test_a_charged_order_is_refunded_once_when_it_is_cancelled(world: OneOrder) -> None:
    await world.place()
    await world.work()
    await world.cancel()
    await world.cancel()
    await world.work(2)

    assert list(world.provider.refunded.values()) == [10_000]
    assert [refund.status for refund in world.payment.refunds] == [RefundStatus.SUCCEEDED]
    assert world.published() == [PaymentSucceeded, PaymentRefunded]


async def test_a_charge_of_a_cancelled_order_is_refunded(world: OneOrder) -> None:
    await world.place()
    [leased] = await world.charges.claim(1)
    await world.cancel()
    # The lease is older than the cancellation; the charge is already in progress.
    intent = await world.provider.create(leased)
    leased.provider_id = intent.id
    await world.charges._save_intent(leased, await world.provider.confirm(leased))
    await world.work(2)

    assert list(world.provider.refunded.values()) == [10_000]
    assert world.published() == [PaymentSucceeded, PaymentRefunded]


async def test_a_payment_fails_when_the_provider_rejects_its_intent(world: OneOrder) -> None:
    world.provider.errors = [ProviderRejected("amount_too_small")]
    await world.place()
    await world.work(3)
    assert world.provider.calls == ["create"]
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "processing_error")
    assert world.published() == [PaymentFailed]


async def test_a_rejected_payment_of_a_cancelled_order_is_cancelled(world: OneOrder) -> None:
    await world.place()
    [leased] = await world.charges.claim(1)
    await world.cancel()
    world.provider.errors = [ProviderRejected("amount_too_small")]
    await world.charges.advance(leased)
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.CANCELLED, "")
    assert world.published() == []


async def test_expired_payments_are_cancelled_without_calling_the_provider(
    world: OneOrder,
) -> None:
    await world.place()
    world.clock.advance(days=366)
    await world.charges.cancel_expired()
    assert world.payment.status is PaymentStatus.CANCELLED
    await world.work()
    assert world.provider.calls == []


async def test_poll_intervals_grow_and_the_payment_is_cancelled_at_pay_before(
    world: OneOrder,
) -> None:
    world.provider.outcome = Intent("", IntentStatus.REQUIRES_ACTION)
    await world.place()
    await world.work()
    intervals = []
    for _ in range(200):
        due = world.payment.due_time
        assert due
        world.clock.now = due
        await world.work(1)
        world.clock.now = due
        assert world.payment.due_time
        intervals.append((world.payment.due_time - due).total_seconds())
    assert intervals[0] == 5
    assert intervals == sorted(intervals)
    assert max(intervals) == 900

    world.clock.now = world.payment.pay_before
    world.store.payments[world.payment.id].due_time = world.clock.now - timedelta(seconds=1)
    await world.work()
    assert world.payment.status is PaymentStatus.CANCELLED


async def test_polling_covers_a_lost_webhook(world: OneOrder) -> None:
    world.provider.outcome = Intent("", IntentStatus.PROCESSING)
    await world.place()
    [payment] = await world.charges.claim(1)
    await world.charges.advance(payment)
    world.provider.set_intent(world.payment.provider_id, Intent("", IntentStatus.SUCCEEDED))
    world.clock.advance(seconds=5)
    await world.work()
    assert world.published() == [PaymentSucceeded]


async def test_a_crash_after_creating_an_intent_does_not_create_another(
    world: OneOrder,
) -> None:
    await world.place()
    [leased] = await world.charges.claim(1)
    await world.provider.create(leased)
    # The worker crashes here; its lease expires.
    world.clock.advance(seconds=60)
    await world.work()

    assert world.provider.calls == ["create", "create", "confirm"]
    assert len(world.provider.intents) == 1
    assert world.published() == [PaymentSucceeded]


async def test_while_the_provider_is_down_nothing_is_claimed_and_expired_payments_are_cancelled(
    world: OneOrder,
) -> None:
    world.provider.is_down = True
    await world.place()
    await world.work(3)
    assert world.provider.calls == []
    assert world.payment.attempts == 0
    world.clock.advance(days=366)
    await world.charges.cancel_expired()
    assert world.payment.status is PaymentStatus.CANCELLED
