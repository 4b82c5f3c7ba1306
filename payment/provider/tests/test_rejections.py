"""Calls that Stripe rejects, over HTTP: permanently, because of our configuration, or because a key was used before."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from dev.stripe_mock.faults import Faults
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.values import Money
from payment.intents.domain import Intent, IntentStatus
from payment.metrics import PROVIDER_REJECTIONS
from payment.payments.domain import Payment
from payment.payments.refund import RefundStatus
from payment.provider.errors import ProviderFailed, ProviderRejected, ProviderUnavailable
from payment.provider.stripe_client import Stripe
from payment.refunds.use_cases import Refunds
from payment.tests.fakes import FakePaymentStore, new_payment
from payment.tests.stripe_stub import StripeMock, adapter, stripe_mock


@dataclass
class World:
    """The client and the Stripe mock."""

    stripe: Stripe
    mock: StripeMock

    async def intent(self) -> Payment:
        payment = replace(new_payment(FakeClock()), payment_method="pm_card_visa")
        payment.provider_id = (await self.stripe.create(payment)).id
        return payment

    def fails(self, operation: str, status: int, code: str = "") -> None:
        self.mock.api.faults = Faults(count=1, status=status, operation=operation, code=code)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with stripe_mock(tmp_path) as mock:
        stripe = adapter(mock.url)
        await stripe.open()
        yield World(stripe, mock)
        await stripe.close()


def rejections(operation: str) -> float:
    return float(PROVIDER_REJECTIONS.labels(operation)._value.get())


@pytest.mark.parametrize("money", [Money(18_605, "KWD"), Money(1, "KWD")])
async def test_an_amount_that_the_provider_cannot_charge_is_rejected(world: World, money: Money) -> None:
    with pytest.raises(ProviderRejected):
        await world.stripe.create(replace(new_payment(FakeClock()), amount=money))
    assert world.mock.provider.intents() == []


@pytest.mark.parametrize("code", ["amount_too_small", "amount_too_large", "parameter_unknown"])
async def test_a_rejected_intent_carries_the_providers_code(world: World, code: str) -> None:
    world.fails("create", 400, code)
    with pytest.raises(ProviderRejected) as rejected:
        await world.stripe.create(new_payment(FakeClock()))
    assert rejected.value.code == code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "api_key_expired"),
        (403, "permission"),
        (404, "resource_missing"),
        (400, "testmode_charges_only"),
    ],
)
async def test_configuration_errors_are_retried_and_counted(world: World, status: int, code: str) -> None:
    before = rejections("create")
    world.fails("create", status, code)
    payment = new_payment(FakeClock())
    with pytest.raises(ProviderUnavailable):
        await world.stripe.create(payment)
    assert rejections("create") == before + 1
    assert (await world.stripe.create(payment)).status is IntentStatus.READY


@pytest.mark.parametrize("operation", ["retrieve", "cancel", "confirm"])
async def test_an_intent_unknown_to_the_provider_is_a_configuration_error(
    world: World, operation: str
) -> None:
    payment = replace(new_payment(FakeClock()), provider_id="pi_of_another_account")
    before = rejections(operation)
    with pytest.raises(ProviderUnavailable):
        await getattr(world.stripe, operation)(payment)
    assert rejections(operation) == before + 1


async def test_a_key_used_with_other_parameters_is_replaced(world: World) -> None:
    payment = await world.intent()
    moved = replace(payment, payment_method="pm_card_mastercard")
    await world.stripe.confirm(replace(payment, payment_method="pm_card_authenticationRequired"))
    with pytest.raises(ProviderFailed):
        await world.stripe.confirm(moved)
    moved.provider_failures += 1
    assert (await world.stripe.confirm(moved)).status is IntentStatus.SUCCEEDED


async def test_a_refund_whose_key_the_provider_has_forgotten_is_made_once(world: World) -> None:
    db: Any = FakeDatabase()
    store, clock = FakePaymentStore(), FakeClock()
    refunds = Refunds(db, store, store, world.stripe, clock=clock)
    payment = await world.intent()
    intent = await world.stripe.confirm(payment)
    payment.apply_intent(Intent(intent.id, IntentStatus.SUCCEEDED), clock.now)
    payment.cancel_for_order(clock.now)
    await store.add(None, [payment])

    # The refund is made and its response is lost; a day later the provider has forgotten the key.
    world.mock.api.faults = Faults(count=1, status=0, after=True, operation="refund")
    [leased] = await refunds.claim(1)
    await refunds.make(leased)
    clock.advance(hours=25)
    world.mock.api.inject(b'{"keys": "forgotten"}')
    [leased] = await refunds.claim(1)
    await refunds.make(leased)

    [stored] = store.payments.values()
    assert [refund.status for refund in stored.refunds] == [RefundStatus.SUCCEEDED]
    assert [refund["amount"] for refund in world.mock.provider.refunds(intent.id)] == [10_000]


async def test_a_partial_refund_is_read_back_after_its_key_was_forgotten(world: World) -> None:
    payment = await world.intent()
    await world.stripe.confirm(payment)
    payment.apply_intent(Intent(payment.provider_id, IntentStatus.SUCCEEDED), payment.create_time)
    payment.cancel_for_order(payment.create_time)
    [refund] = payment.refunds
    refund.amount = Money(4_000, "USD")
    made = await world.stripe.refund(payment, refund)
    world.mock.api.inject(b'{"keys": "forgotten"}')
    assert await world.stripe.read_refund(payment, refund) == made


async def test_without_a_payment_method_a_payment_is_declined_at_once(world: World) -> None:
    payment = replace(await world.intent(), payment_method="")
    confirmed = await world.stripe.confirm(payment)
    assert (confirmed.status, confirmed.failure_code) == (IntentStatus.DECLINED, "processing_error")
