"""Our client and Stripe's official SDK against the Stripe mock, over HTTP: outcomes, keys, failures."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from dev.stripe_mock.errors import ApiError
from dev.stripe_mock.faults import Faults
from dev.stripe_mock.outcomes import OUTCOMES
from dev.stripe_mock.provider import Provider
from dev.stripe_mock.server import Api
from kit.testing import FakeClock, eventually, free_port
from kit.values import Money
from payment.intents.domain import Confirmation, Intent, IntentStatus
from payment.payments.domain import Payment
from payment.provider.errors import ProviderFailed, ProviderUnavailable
from payment.provider.stripe_client import Stripe
from payment.tests.fakes import new_payment, new_refund
from payment.tests.stripe_stub import adapter, stripe_mock


@dataclass
class World:
    """The client, and the mock behind it."""

    url: str
    stripe: Stripe
    api: Api
    mock: Provider

    async def intent(self, method: str = "pm_card_visa") -> Payment:
        payment = replace(new_payment(FakeClock()), payment_method=method)
        payment.provider_id = (await self.stripe.create(payment)).id
        return payment

    async def confirmed(self, method: str = "pm_card_visa") -> tuple[Payment, Intent]:
        payment = await self.intent(method)
        return payment, await self.stripe.confirm(payment)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with stripe_mock(tmp_path) as mock:
        stripe = adapter(mock.url)
        await stripe.open()
        yield World(mock.url, stripe, mock.api, mock.provider)
        await stripe.close()


# Payment methods that are not simply charged: the state after confirming, and the final state without or after the buyer's action.
_SUCCEEDED = (IntentStatus.SUCCEEDED, "")
_ACTS = (IntentStatus.REQUIRES_ACTION, "")
_WAITS = (IntentStatus.PROCESSING, "")


def declined(code: str) -> tuple[IntentStatus, str]:
    return IntentStatus.DECLINED, code


EXPECTED = {
    "pm_card_chargeDeclined": (declined("card_declined"), None),
    "pm_card_visa_chargeDeclined": (declined("card_declined"), None),
    "pm_card_chargeCustomerFail": (declined("card_declined"), None),
    "pm_card_chargeDeclinedInsufficientFunds": (declined("insufficient_funds"), None),
    "pm_card_visa_chargeDeclinedInsufficientFunds": (declined("insufficient_funds"), None),
    "pm_card_visa_chargeDeclinedLostCard": (declined("card_declined"), None),
    "pm_card_visa_chargeDeclinedStolenCard": (declined("card_declined"), None),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": (declined("card_declined"), None),
    "pm_card_chargeDeclinedFraudulent": (declined("card_declined"), None),
    "pm_card_radarBlock": (declined("card_declined"), None),
    "pm_card_riskLevelHighest": (declined("card_declined"), None),
    "pm_card_chargeDeclinedExpiredCard": (declined("card_declined"), None),
    "pm_card_chargeDeclinedIncorrectCvc": (declined("card_declined"), None),
    "pm_card_chargeDeclinedProcessingError": (declined("processing_error"), None),
    "pm_card_authenticationRequired": (_ACTS, _SUCCEEDED),
    "pm_card_threeDSecure2Required": (_ACTS, _SUCCEEDED),
    "pm_card_threeDSecureRequired": (_ACTS, _SUCCEEDED),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": (_ACTS, declined("insufficient_funds")),
    "pm_card_threeDSecureRequiredChargeDeclined": (_ACTS, declined("card_declined")),
    "pm_card_threeDSecureRequiredProcessingError": (_ACTS, declined("processing_error")),
    "pm_usBankAccount": (_WAITS, _SUCCEEDED),
    "pm_usBankAccount_success": (_WAITS, _SUCCEEDED),
    "pm_usBankAccount_dispute": (_WAITS, _SUCCEEDED),
    "pm_usBankAccount_processing": (_WAITS, _WAITS),
    "pm_usBankAccount_accountClosed": (_WAITS, declined("card_declined")),
    "pm_usBankAccount_noAccount": (_WAITS, declined("card_declined")),
    "pm_usBankAccount_insufficientFunds": (_WAITS, declined("insufficient_funds")),
    "pm_usBankAccount_debitNotAuthorized": (_WAITS, declined("card_declined")),
    "pm_usBankAccount_invalidCurrency": (_WAITS, declined("card_declined")),
    "pm_unknown": (declined("processing_error"), None),
}


def state_of(intent: Intent) -> tuple[IntentStatus, str]:
    return intent.status, intent.failure_code


@pytest.mark.parametrize("method", EXPECTED)
async def test_every_test_payment_method_has_its_outcome(world: World, method: str) -> None:
    first, last = EXPECTED[method]
    payment, confirmed = await world.confirmed(method)
    assert state_of(confirmed) == first
    # Reading the intent later returns the same state; an unknown method leaves no trace.
    if method in OUTCOMES and first is not _WAITS:
        assert await world.stripe.retrieve(payment) == confirmed
    if first is _ACTS:
        assert confirmed.next_action_url.endswith(f"/mock/authenticate/{payment.provider_id}")
        with world.api.lock:
            world.mock.authenticate(payment.provider_id, passes=True)

    async def settled() -> bool:
        return state_of(await world.stripe.retrieve(payment)) == last

    if last is not None:
        await eventually(settled)


async def test_every_other_payment_method_is_charged_at_once(world: World) -> None:
    others = OUTCOMES.keys() - EXPECTED.keys()
    assert len(others) > 80
    assert {OUTCOMES[method].status for method in others} == {"succeeded"}
    for method in ("pm_card_visa", "pm_card_amex", "pm_card_ch", "pm_card_createDispute"):
        assert state_of((await world.confirmed(method))[1]) == _SUCCEEDED


async def test_a_failed_authentication_is_a_decline(world: World) -> None:
    payment, _ = await world.confirmed("pm_card_authenticationRequired")
    with world.api.lock:
        world.mock.authenticate(payment.provider_id, passes=False)
    assert state_of(await world.stripe.retrieve(payment)) == declined("authentication_required")


async def test_the_declines_of_an_intent_that_the_page_confirms_are_counted(world: World) -> None:
    payment = replace(new_payment(FakeClock()), confirmation=Confirmation.CLIENT)
    payment.provider_id = (await world.stripe.create(payment)).id
    for method in ("pm_card_chargeDeclined", "pm_card_radarBlock", "pm_card_authenticationRequired"):
        with world.api.lock, suppress(ApiError):
            world.mock.confirm_intent(payment.provider_id, {"payment_method": method})
    assert (await world.stripe.retrieve(payment)).declines == 2


async def test_the_bank_sends_the_buyer_back_to_the_order(world: World) -> None:
    await world.confirmed("pm_card_authenticationRequired")
    [intent] = world.mock.intents()
    back = intent["next_action"]["redirect_to_url"]["return_url"]
    assert back == f"https://shop.test/orders/{intent['metadata']['order_id']}"


async def test_the_intent_carries_the_amount_and_the_order(world: World) -> None:
    payment = await world.intent()
    [intent] = world.mock.intents()
    assert (intent["amount"], intent["currency"]) == (10_000, "usd")
    assert intent["metadata"]["payment_id"].startswith("pay_")
    assert intent["metadata"]["order_id"].startswith("ord_")
    assert payment.provider_id == intent["id"]


async def test_amounts_are_converted_to_the_providers_minor_unit(world: World) -> None:
    payment = replace(new_payment(FakeClock()), amount=Money(700, "ISK"))
    await world.stripe.create(payment)
    assert world.mock.intents()[0]["amount"] == 70_000


async def test_a_repeated_call_with_the_same_key_has_one_effect(world: World) -> None:
    payment = await world.intent()
    assert (await world.stripe.create(payment)).id == payment.provider_id
    assert await world.stripe.confirm(payment) == await world.stripe.confirm(payment)
    assert len(world.mock.intents()) == 1
    one, again = [await world.stripe.refund(payment, new_refund(payment, 4_000)) for _ in range(2)]
    assert one == again


async def test_a_declined_intent_can_be_cancelled(world: World) -> None:
    payment, _ = await world.confirmed("pm_card_chargeDeclined")
    assert (await world.stripe.cancel(payment)).status is IntentStatus.CANCELLED
    payment.provider_failures = 1
    assert (await world.stripe.confirm(payment)).status is IntentStatus.CANCELLED


async def test_cancelling_a_charged_intent_returns_it_unchanged(world: World) -> None:
    payment, _ = await world.confirmed()
    assert (await world.stripe.cancel(payment)).status is IntentStatus.SUCCEEDED
    payment.provider_failures = 1
    assert (await world.stripe.confirm(payment)).status is IntentStatus.SUCCEEDED


async def test_a_refund_is_read_by_its_metadata_or_its_id(world: World) -> None:
    payment, _ = await world.confirmed()
    refund = new_refund(payment, 4_000)
    assert await world.stripe.read_refund(payment, refund) is None
    made = await world.stripe.refund(payment, refund)
    assert await world.stripe.read_refund(payment, refund) == made
    assert await world.stripe.read_refund(payment, replace(refund, id=uuid4())) is None
    assert await world.stripe.read_refund(payment, replace(refund, id=uuid4(), provider_id=made.id)) == made


async def test_a_bank_refund_succeeds_later_while_its_key_repeats_the_first_response(world: World) -> None:
    payment, _ = await world.confirmed("pm_usBankAccount")

    async def captured() -> bool:
        return (await world.stripe.retrieve(payment)).status is IntentStatus.SUCCEEDED

    await eventually(captured)
    refund = new_refund(payment, 4_000)
    pending = await world.stripe.refund(payment, refund)
    assert not pending.done

    async def done() -> bool:
        refunded = await world.stripe.read_refund(payment, refund)
        return refunded is not None and refunded.done

    await eventually(done)
    assert await world.stripe.refund(payment, refund) == pending


async def test_an_intent_names_only_method_types_of_its_currency(world: World) -> None:
    await world.stripe.create(replace(new_payment(FakeClock()), amount=Money(700, "EUR")))
    assert world.mock.intents()[0]["payment_method_types"] == ["card"]


async def test_a_refund_larger_than_the_capture_is_rejected_permanently(world: World) -> None:
    payment, _ = await world.confirmed()
    response = await world.stripe.refund(payment, new_refund(payment, 10_001))
    assert (response.rejected, response.final) == (True, True)


async def test_a_refund_that_the_bank_returned_does_not_count_for_a_new_attempt(world: World) -> None:
    payment, _ = await world.confirmed("pm_card_refundFail")
    refund = new_refund(payment, 10_000)
    made = await world.stripe.refund(payment, refund)
    assert made.done

    async def returned() -> bool:
        refunded = await world.stripe.read_refund(payment, replace(refund, provider_id=made.id))
        return refunded is not None and refunded.rejected and not refunded.final

    await eventually(returned)
    assert await world.stripe.read_refund(payment, refund) is None
    again = await world.stripe.refund(payment, replace(refund, provider_failures=1))
    assert again.done
    assert again.id != made.id


async def test_the_circuit_opens_after_consecutive_failures(world: World) -> None:
    stripe = adapter(world.url, failures=3)
    payment = replace(new_payment(FakeClock()), payment_method="pm_card_visa")
    world.api.faults = Faults(count=3, status=503)
    for _ in range(3):
        with pytest.raises(ProviderFailed):
            await stripe.create(payment)
    assert stripe.available_permits(16) == 0
    with pytest.raises(ProviderUnavailable):
        await stripe.create(payment)
    assert world.mock.intents() == []

    async def tries() -> bool:
        return stripe.available_permits(16) == 1

    await eventually(tries)
    assert (await stripe.create(payment)).status is IntentStatus.READY
    assert stripe.available_permits(16) == 16
    await stripe.close()


async def test_declines_and_rate_limits_are_not_failures_for_the_circuit(world: World) -> None:
    stripe = adapter(world.url, failures=1)
    world.api.faults = Faults(count=2, status=429)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await stripe.create(new_payment(FakeClock()))
    payment = await world.intent("pm_card_chargeDeclined")
    assert state_of(await stripe.confirm(payment)) == declined("card_declined")
    assert stripe.available_permits(16) == 16
    await stripe.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, ProviderFailed), (409, ProviderUnavailable), (429, ProviderUnavailable), (0, ProviderUnavailable)],
)
async def test_provider_failures_and_unavailability_are_different_errors(
    world: World, status: int, error: type[Exception]
) -> None:
    payment = await world.intent()
    world.api.faults = Faults(count=1, status=status, after=True)
    with pytest.raises(error):
        await world.stripe.confirm(payment)
    # The call took effect.
    assert (await world.stripe.retrieve(payment)).status is IntentStatus.SUCCEEDED


async def test_an_unreachable_provider_is_unavailable() -> None:
    stripe = adapter(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ProviderUnavailable):
        await stripe.create(new_payment(FakeClock()))
    await stripe.close()
