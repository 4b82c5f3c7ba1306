"""Charging and refunding, on fakes: what is asked of the provider, what is told, and what becomes of every failure in between."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.values import Money
from payment.domain import (
    Intent,
    IntentStatus,
    Payment,
    PaymentFailed,
    PaymentRefunded,
    PaymentStatus,
    PaymentSucceeded,
    RefundStatus,
)
from payment.errors import ProviderFailed, ProviderUnavailable
from payment.tests.fakes import FakePaymentStore, FakeProvider
from payment.use_cases import Payments, PlacedOrder

TOTAL = Money(10_000, "USD")


@dataclass
class World:
    """The use cases with everything around them."""

    db: FakeDatabase
    store: FakePaymentStore
    provider: FakeProvider
    clock: FakeClock
    payments: Payments
    order_id: UUID
    account_id: UUID

    async def placed(self, method: str = "pm_card_visa") -> None:
        pay_before = self.clock.now.replace(year=self.clock.now.year + 1)
        async with self.db.transaction() as tx:
            placed = PlacedOrder(self.order_id, self.account_id, TOTAL, method, pay_before)
            await self.payments.orders_placed(tx, [placed])

    async def cancelled(self) -> None:
        async with self.db.transaction() as tx:
            await self.payments.order_cancelled(tx, self.order_id, self.account_id, TOTAL)

    async def work(self, rounds: int = 1) -> None:
        """What the pools do, so many times, a minute apart."""
        for _ in range(rounds):
            for payment in await self.payments.claim(10):
                await self.payments.advance(payment)
            for refund in await self.payments.claim_refunds(10):
                await self.payments.refund(refund)
            self.clock.advance(seconds=60)

    @property
    def payment(self) -> Payment:
        [payment] = self.store.payments.values()
        return payment

    def told(self) -> list[type]:
        return [type(fact) for fact in self.db.facts]


@pytest.fixture
def world() -> World:
    db, store, provider, clock = FakeDatabase(), FakePaymentStore(), FakeProvider(), FakeClock()
    database: Any = db
    payments = Payments(database, store, provider, default_method="pm_card_visa", clock=lambda: clock.now)
    return World(db, store, provider, clock, payments, uuid4(), uuid4())


async def test_an_order_is_charged_once_however_often_it_is_heard_of(world: World) -> None:
    await world.placed()
    await world.placed()
    await world.work(3)

    assert world.provider.calls == ["create", "confirm"]
    assert world.payment.status is PaymentStatus.SUCCEEDED
    assert world.told() == [PaymentSucceeded]


async def test_an_order_without_a_method_gets_the_deployments_own(world: World) -> None:
    await world.placed("")
    assert world.payment.payment_method == "pm_card_visa"


async def test_a_declined_payment_has_failed_once_its_intent_can_charge_no_more(world: World) -> None:
    world.provider.outcome = Intent("", IntentStatus.DECLINED, "insufficient_funds")
    await world.placed()
    await world.work(2)

    assert world.provider.calls == ["create", "confirm", "cancel"]
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "insufficient_funds")
    assert world.told() == [PaymentFailed]


async def test_a_decline_is_told_although_cancelling_had_to_wait(world: World) -> None:
    world.provider.outcome = Intent("", IntentStatus.DECLINED, "card_declined")
    await world.placed()
    [payment] = await world.payments.claim(1)
    original = world.provider.cancel

    async def away(payment: Payment) -> Intent:
        raise ProviderUnavailable()

    world.provider.cancel = away  # type: ignore[method-assign]
    await world.payments.advance(payment)
    assert world.told() == []
    world.provider.cancel = original  # type: ignore[method-assign]
    world.clock.advance(seconds=60)
    await world.work()

    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "card_declined")
    assert world.told() == [PaymentFailed]


@pytest.mark.parametrize("error", [ProviderUnavailable(), ProviderFailed()])
async def test_a_provider_that_is_away_is_asked_again_later(world: World, error: Exception) -> None:
    world.provider.fails = [error] * 3
    await world.placed()
    await world.work(6)

    assert world.payment.status is PaymentStatus.SUCCEEDED
    assert world.told() == [PaymentSucceeded]


@pytest.mark.parametrize("error", [ProviderUnavailable(), ProviderFailed()])
async def test_a_lost_answer_is_read_back_before_anything_else(world: World, error: Exception) -> None:
    world.provider.loses = [error]
    await world.placed()
    await world.work(2)

    assert world.provider.calls == ["create", "confirm", "retrieve"]
    assert world.payment.status is PaymentStatus.SUCCEEDED
    assert world.told() == [PaymentSucceeded]


async def test_a_process_that_died_after_charging_charges_no_second_time(world: World) -> None:
    await world.placed()
    [leased] = await world.payments.claim(1)
    intent = await world.provider.create(leased)
    leased = await world.payments._confirming(leased, intent)
    await world.provider.confirm(leased)
    # It died here; its lease ends.
    world.clock.advance(seconds=60)
    await world.work()

    assert world.provider.calls == ["create", "confirm", "retrieve"]
    assert world.told() == [PaymentSucceeded]


async def test_no_charge_starts_after_its_time(world: World) -> None:
    await world.placed()
    world.clock.advance(seconds=400 * 86_400)
    await world.work()

    assert world.provider.calls == []
    assert world.payment.status is PaymentStatus.CANCELLED
    assert world.told() == []


async def test_an_order_that_ended_before_its_charge_is_never_charged(world: World) -> None:
    await world.cancelled()
    await world.placed()
    await world.work(2)

    assert world.provider.calls == []
    assert world.payment.status is PaymentStatus.CANCELLED


async def test_an_order_that_ends_while_its_buyer_must_act_ends_the_intent(world: World) -> None:
    world.provider.outcome = Intent("", IntentStatus.REQUIRES_ACTION, next_action_url="https://bank.example")
    await world.placed()
    await world.work()
    assert (world.payment.status, world.payment.next_action_url) == (
        PaymentStatus.REQUIRES_ACTION,
        "https://bank.example",
    )
    await world.cancelled()
    await world.work()

    assert world.provider.calls[-1] == "cancel"
    assert world.payment.status is PaymentStatus.CANCELLED
    assert world.told() == []


async def test_a_buyer_who_acted_is_seen_when_the_provider_tells(world: World) -> None:
    world.provider.outcome = Intent("", IntentStatus.REQUIRES_ACTION)
    await world.placed()
    await world.work()
    intent_id = world.payment.provider_id
    world.provider.answers(intent_id, Intent("", IntentStatus.SUCCEEDED))

    assert await world.payments.provider_changed(intent_id)
    await world.work()
    assert world.told() == [PaymentSucceeded]
    assert not await world.payments.provider_changed(intent_id)
    assert not await world.payments.provider_changed("pi_of_somebody_else")


async def test_what_was_charged_goes_back_once_when_the_order_ends(world: World) -> None:
    await world.placed()
    await world.work()
    await world.cancelled()
    await world.cancelled()
    await world.work(2)

    assert list(world.provider.refunded.values()) == [10_000]
    assert [refund.status for refund in world.payment.refunds] == [RefundStatus.SUCCEEDED]
    assert world.told() == [PaymentSucceeded, PaymentRefunded]


async def test_a_charge_that_lands_on_an_ended_order_goes_back(world: World) -> None:
    await world.placed()
    [leased] = await world.payments.claim(1)
    await world.cancelled()
    # The lease is older than the order's end; the charge is under way already.
    intent = await world.provider.create(leased)
    leased.provider_id = intent.id
    await world.payments._settle(leased, await world.provider.confirm(leased))
    await world.work(2)

    assert list(world.provider.refunded.values()) == [10_000]
    assert world.told() == [PaymentSucceeded, PaymentRefunded]


@pytest.mark.parametrize("error", [ProviderUnavailable(), ProviderFailed()])
async def test_a_refund_whose_answer_was_lost_goes_back_once(world: World, error: Exception) -> None:
    await world.placed()
    await world.work()
    world.provider.loses = [error]
    await world.cancelled()
    await world.work(3)

    assert list(world.provider.refunded.values()) == [10_000]
    assert world.payment.refunded == TOTAL
    assert world.told() == [PaymentSucceeded, PaymentRefunded]


async def test_a_refund_that_the_provider_failed_before_its_effect_is_made_under_another_key(
    world: World,
) -> None:
    await world.placed()
    await world.work()
    world.provider.fails = [ProviderFailed()]
    await world.cancelled()
    await world.work(3)

    assert world.provider.calls[-3:] == ["refund", "read_refund", "refund"]
    assert list(world.provider.refunded.values()) == [10_000]
    assert world.told() == [PaymentSucceeded, PaymentRefunded]


async def test_a_refund_under_way_is_read_back_until_it_is_done(world: World) -> None:
    world.provider.refund_done = False
    await world.placed()
    await world.work()
    await world.cancelled()
    await world.work(2)
    assert (world.payment.refunded, world.payment.refundable) == (Money.zero("USD"), Money.zero("USD"))
    world.provider.refund_done = True
    await world.work()

    assert world.provider.calls[2:] == ["refund", "read_refund", "read_refund"]
    assert world.told() == [PaymentSucceeded, PaymentRefunded]


async def test_a_backlog_that_may_not_be_charged_any_more_asks_nothing_of_the_provider(world: World) -> None:
    await world.placed()
    world.clock.advance(days=366)
    await world.payments.give_up_overdue()
    assert world.payment.status is PaymentStatus.CANCELLED
    await world.work()
    assert world.provider.calls == []
