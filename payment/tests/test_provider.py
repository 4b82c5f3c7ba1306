"""Our adapter and Stripe's official SDK against the stand-in for Stripe, over HTTP: outcomes, keys, failures, signatures."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from dev.stripe_mock.outcomes import OUTCOMES
from dev.stripe_mock.provider import Provider
from dev.stripe_mock.server import Api, Faults
from dev.stripe_mock.webhooks import signature
from kit.testing import FakeClock, eventually, free_port
from kit.values import Money
from payment.domain import Intent, IntentStatus, Payment, Refund, RefundStatus
from payment.errors import BadSignature, ProviderFailed, ProviderUnavailable
from payment.provider import Stripe
from payment.tests.edges import SECRET, stripe_mock
from payment.tests.fakes import asked


@dataclass
class World:
    """The adapter, and what stands behind it."""

    stripe: Stripe
    api: Api
    mock: Provider

    async def intent(self, method: str = "pm_card_visa") -> Payment:
        payment = replace(asked(FakeClock()), payment_method=method)
        payment.provider_id = (await self.stripe.create(payment)).id
        return payment

    async def confirmed(self, method: str = "pm_card_visa") -> tuple[Payment, Intent]:
        payment = await self.intent(method)
        return payment, await self.stripe.confirm(payment)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with stripe_mock(tmp_path) as mock:
        stripe = Stripe(api_key="sk_test_x", base_url=mock.url, webhook_secret=SECRET)
        await stripe.open()
        yield World(stripe, mock.api, mock.provider)
        await stripe.close()


def refund_of(payment: Payment, minor: int) -> Refund:
    now = payment.create_time
    return Refund(payment.id, payment.id, Money(minor, "USD"), "", RefundStatus.PENDING, now, now)


EXPECTED = {
    "pm_card_visa": (IntentStatus.SUCCEEDED, ""),
    "pm_card_chargeDeclined": (IntentStatus.DECLINED, "card_declined"),
    "pm_card_chargeDeclinedInsufficientFunds": (IntentStatus.DECLINED, "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": (IntentStatus.DECLINED, "card_declined"),
    "pm_card_chargeDeclinedExpiredCard": (IntentStatus.DECLINED, "card_declined"),
    "pm_card_chargeDeclinedProcessingError": (IntentStatus.DECLINED, "processing_error"),
    "pm_card_authenticationRequired": (IntentStatus.REQUIRES_ACTION, ""),
    "pm_usBankAccount": (IntentStatus.PROCESSING, ""),
    "pm_of_nobody": (IntentStatus.DECLINED, "processing_error"),
}


@pytest.mark.parametrize("method", EXPECTED)
async def test_each_method_has_its_outcome(world: World, method: str) -> None:
    payment, confirmed = await world.confirmed(method)
    assert (confirmed.status, confirmed.failure_code) == EXPECTED[method]
    # What is read back later says the same; a method that is none leaves no trace.
    if method in OUTCOMES:
        assert await world.stripe.retrieve(payment) == confirmed


async def test_the_amount_and_the_order_reach_the_provider(world: World) -> None:
    payment = await world.intent()
    [intent] = world.mock.intents()
    assert (intent["amount"], intent["currency"]) == (10_000, "usd")
    assert intent["metadata"]["payment_id"].startswith("pay_")
    assert intent["metadata"]["order_id"].startswith("ord_")
    assert payment.provider_id == intent["id"]


async def test_a_currency_that_the_provider_counts_otherwise_is_converted(world: World) -> None:
    payment = replace(asked(FakeClock()), amount=Money(700, "ISK"))
    await world.stripe.create(payment)
    assert world.mock.intents()[0]["amount"] == 70_000


async def test_what_is_repeated_under_its_key_happens_once(world: World) -> None:
    payment = await world.intent()
    assert (await world.stripe.create(payment)).id == payment.provider_id
    assert await world.stripe.confirm(payment) == await world.stripe.confirm(payment)
    assert len(world.mock.intents()) == 1
    one, again = [await world.stripe.refund(payment, refund_of(payment, 4_000)) for _ in range(2)]
    assert one == again


async def test_a_declined_intent_is_cancelled_and_charges_no_more(world: World) -> None:
    payment, _ = await world.confirmed("pm_card_chargeDeclined")
    assert (await world.stripe.cancel(payment)).status is IntentStatus.CANCELLED
    payment.provider_failures = 1
    assert (await world.stripe.confirm(payment)).status is IntentStatus.CANCELLED


async def test_an_intent_that_has_charged_is_answered_as_it_is(world: World) -> None:
    payment, _ = await world.confirmed()
    assert (await world.stripe.cancel(payment)).status is IntentStatus.SUCCEEDED
    payment.provider_failures = 1
    assert (await world.stripe.confirm(payment)).status is IntentStatus.SUCCEEDED


async def test_a_refund_is_found_again_by_its_mark_or_its_id(world: World) -> None:
    payment, _ = await world.confirmed()
    refund = refund_of(payment, 4_000)
    assert await world.stripe.read_refund(payment, refund) is None
    made = await world.stripe.refund(payment, refund)
    assert await world.stripe.read_refund(payment, refund) == made
    assert await world.stripe.read_refund(payment, replace(refund, id=uuid4())) is None
    assert await world.stripe.read_refund(payment, replace(refund, id=uuid4(), provider_id=made.id)) == made


async def test_a_refund_to_a_bank_is_done_later_though_its_key_says_what_it_said(world: World) -> None:
    payment, _ = await world.confirmed("pm_usBankAccount")

    async def captured() -> bool:
        return (await world.stripe.retrieve(payment)).status is IntentStatus.SUCCEEDED

    await eventually(captured)
    refund = refund_of(payment, 4_000)
    pending = await world.stripe.refund(payment, refund)
    assert not pending.done

    async def done() -> bool:
        found = await world.stripe.read_refund(payment, refund)
        return found is not None and found.done

    await eventually(done)
    assert await world.stripe.refund(payment, refund) == pending


async def test_an_intent_names_only_what_its_currency_can_be_paid_with(world: World) -> None:
    await world.stripe.create(replace(asked(FakeClock()), amount=Money(700, "EUR")))
    assert world.mock.intents()[0]["payment_method_types"] == ["card"]


async def test_refunds_beyond_the_capture_are_refused(world: World) -> None:
    payment, _ = await world.confirmed()
    assert (await world.stripe.refund(payment, refund_of(payment, 10_001))).refused


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, ProviderFailed), (409, ProviderUnavailable), (429, ProviderUnavailable), (0, ProviderUnavailable)],
)
async def test_a_failure_is_told_from_an_absence(world: World, status: int, error: type[Exception]) -> None:
    payment = await world.intent()
    world.api.faults = Faults(count=1, status=status, after=True)
    with pytest.raises(error):
        await world.stripe.confirm(payment)
    # The effect had happened.
    assert (await world.stripe.retrieve(payment)).status is IntentStatus.SUCCEEDED


async def test_a_provider_that_is_away_is_unavailable() -> None:
    stripe = Stripe(api_key="sk", base_url=f"http://127.0.0.1:{free_port()}", webhook_secret=SECRET)
    with pytest.raises(ProviderUnavailable):
        await stripe.create(asked(FakeClock()))
    await stripe.close()


def test_a_signed_webhook_names_its_intent() -> None:
    stripe = Stripe(api_key="sk", base_url="http://127.0.0.1:1", webhook_secret=SECRET)
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }
    body = json.dumps(event)
    now = int(time.time())
    assert stripe.changed_intent(body.encode(), signature(body, SECRET, now)) == "pi_1"
    for wrong in ("", "t=1,v1=00", signature(body, "whsec_other", now), signature(body, SECRET, now - 301)):
        with pytest.raises(BadSignature):
            stripe.changed_intent(body.encode(), wrong)
    with pytest.raises(BadSignature):
        stripe.changed_intent(body.encode() + b" ", signature(body, SECRET, now))
