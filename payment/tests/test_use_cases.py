"""Charging and refunding, on fakes: what is asked of the provider, what is told, and what becomes of every failure in between."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.auth import Principal, Role
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
)
from payment.errors import ProviderFailed, ProviderRefused, ProviderUnavailable
from payment.metrics import REFUNDS
from payment.ports import Hint, RefundRequest
from payment.refund_domain import ProviderRefund, RefundStatus
from payment.refund_use_cases import Refunds
from payment.tests.fakes import FakePaymentStore, FakeProvider
from payment.use_cases import CancelledOrder, Payments, PlacedOrder

TOTAL = Money(10_000, "USD")


@dataclass
class World:
    """The use cases with everything around them."""

    db: FakeDatabase
    store: FakePaymentStore
    provider: FakeProvider
    clock: FakeClock
    payments: Payments
    refunds: Refunds
    order_id: UUID
    account_id: UUID

    async def placed(self, method: str = "pm_card_visa") -> None:
        pay_before = self.clock.now.replace(year=self.clock.now.year + 1)
        async with self.db.transaction() as tx:
            placed = PlacedOrder(self.order_id, self.account_id, TOTAL, method, pay_before)
            await self.payments.orders_placed(tx, [placed])

    async def cancelled(self) -> None:
        async with self.db.transaction() as tx:
            await self.payments.orders_cancelled(tx, [CancelledOrder(self.order_id, self.account_id, TOTAL)])

    async def work(self, rounds: int = 1) -> None:
        """What the pools do, so many times, a minute apart."""
        for _ in range(rounds):
            await self.payments.give_up_overdue()
            for payment in await self.payments.claim(10):
                await self.payments.advance(payment)
            for refund in await self.refunds.claim(10):
                await self.refunds.make(refund)
            self.clock.advance(seconds=60)

    async def quiet(self) -> None:
        """What the pool does until no refund is due any more, however long that takes."""
        while due := [refund.due_time for refund in self.payment.refunds if refund.due_time]:
            self.clock.now = max(self.clock.now, min(due))
            for refund in await self.refunds.claim(10):
                await self.refunds.make(refund)

    @property
    def payment(self) -> Payment:
        [payment] = self.store.payments.values()
        return payment

    def told(self) -> list[type]:
        return [type(fact) for fact in self.db.events]


@pytest.fixture
def world() -> World:
    db, store, provider, clock = FakeDatabase(), FakePaymentStore(), FakeProvider(), FakeClock()
    database: Any = db
    payments = Payments(database, store, provider, default_method="pm_card_visa", clock=lambda: clock.now)
    refunds = Refunds(database, store, provider, clock=lambda: clock.now)
    return World(db, store, provider, clock, payments, refunds, uuid4(), uuid4())


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


async def test_a_card_number_is_never_written_down(world: World) -> None:
    await world.placed("4242 4242 4242 4242")
    assert world.payment.payment_method == "card_number_refused"


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


async def test_a_charge_that_was_taken_up_too_late_does_not_start_either(world: World) -> None:
    await world.placed()
    [leased] = await world.payments.claim(1)
    world.clock.advance(days=400)
    await world.payments.advance(leased)

    assert world.provider.calls == []
    assert world.payment.status is PaymentStatus.CANCELLED


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

    assert await world.payments.provider_changed(Hint(uuid4(), intent_id))
    await world.work()
    assert world.told() == [PaymentSucceeded]
    assert not await world.payments.provider_changed(Hint(uuid4(), intent_id))
    assert not await world.payments.provider_changed(Hint(uuid4(), "pi_of_somebody_else"))
    assert not await world.payments.provider_changed(Hint(uuid4()))


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


async def test_a_refund_that_was_tried_before_is_looked_for_before_its_key_is_used_again(
    world: World,
) -> None:
    await world.placed()
    await world.work()
    world.provider.loses = [ProviderUnavailable()]
    await world.cancelled()
    await world.work()
    # The provider keeps keys for a day.
    world.clock.advance(hours=25)
    await world.work()
    assert world.provider.calls[-2:] == ["refund", "read_refund"]
    assert world.payment.refunded == TOTAL


async def test_a_worker_that_died_after_a_refund_makes_no_second_one(world: World) -> None:
    await world.placed()
    await world.work()
    await world.cancelled()
    [leased] = await world.refunds.claim(1)
    await world.provider.refund(world.payment, leased)
    # It died here.
    world.clock.advance(hours=25)
    await world.work()
    assert world.provider.calls[-2:] == ["refund", "read_refund"]
    assert world.payment.refunded == TOTAL


async def test_a_charge_that_the_provider_refuses_to_begin_has_failed(world: World) -> None:
    world.provider.fails = [ProviderRefused("amount_too_small")]
    await world.placed()
    await world.work(3)
    assert world.provider.calls == ["create"]
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "processing_error")
    assert world.told() == [PaymentFailed]


async def test_a_charge_that_is_refused_after_its_order_ended_is_cancelled(world: World) -> None:
    await world.placed()
    [leased] = await world.payments.claim(1)
    await world.cancelled()
    world.provider.fails = [ProviderRefused("amount_too_small")]
    await world.payments.advance(leased)
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.CANCELLED, "")
    assert world.told() == []


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


async def test_what_waits_for_somebody_else_is_looked_at_ever_more_rarely_and_when_its_time_is_up(
    world: World,
) -> None:
    world.provider.outcome = Intent("", IntentStatus.REQUIRES_ACTION)
    await world.placed()
    await world.work()
    pauses = []
    for _ in range(200):
        due = world.payment.due_time
        assert due
        world.clock.now = due
        await world.work(1)
        world.clock.now = due
        assert world.payment.due_time
        pauses.append((world.payment.due_time - due).total_seconds())
    assert pauses[0] == 5
    assert pauses == sorted(pauses)
    assert max(pauses) == 900

    world.clock.now = world.payment.pay_before
    world.store.payments[world.payment.id].due_time = world.clock.now - timedelta(seconds=1)
    await world.work()
    assert world.payment.status is PaymentStatus.CANCELLED


async def test_a_lost_webhook_costs_seconds_only(world: World) -> None:
    world.provider.outcome = Intent("", IntentStatus.PROCESSING)
    await world.placed()
    [payment] = await world.payments.claim(1)
    await world.payments.advance(payment)
    world.provider.answers(world.payment.provider_id, Intent("", IntentStatus.SUCCEEDED))
    world.clock.advance(seconds=5)
    await world.work()
    assert world.told() == [PaymentSucceeded]


async def test_a_process_that_died_between_making_an_intent_and_charging_it_makes_no_second_one(
    world: World,
) -> None:
    await world.placed()
    [leased] = await world.payments.claim(1)
    await world.provider.create(leased)
    # It died here; its lease ends.
    world.clock.advance(seconds=60)
    await world.work()

    assert world.provider.calls == ["create", "create", "confirm"]
    assert len(world.provider.intents) == 1
    assert world.told() == [PaymentSucceeded]


async def test_while_the_provider_is_down_nothing_is_taken_up_but_what_is_late_is_given_up(
    world: World,
) -> None:
    world.provider.is_down = True
    await world.placed()
    await world.work(3)
    assert world.provider.calls == []
    assert world.payment.attempts == 0
    world.clock.advance(days=366)
    await world.payments.give_up_overdue()
    assert world.payment.status is PaymentStatus.CANCELLED


async def test_a_refused_refund_is_asked_for_again_and_goes_back_once(world: World) -> None:
    await world.placed()
    await world.work()
    world.provider.refuses = [ProviderRefund("re_1", done=False, refused=True)] * 2
    await world.cancelled()
    await world.work(10)

    assert list(world.provider.refunded.values()) == [10_000]
    assert [refund.status for refund in world.payment.refunds] == [RefundStatus.SUCCEEDED]
    assert world.told() == [PaymentSucceeded, PaymentRefunded]


REFUSED = ProviderRefund("re_1", done=False, refused=True)
NEVER = ProviderRefund("re_1", done=False, refused=True, final=True)


@pytest.mark.parametrize("refusals", [[REFUSED] * 5, [NEVER], [NEVER] * 4, [REFUSED] * 5 + [NEVER] * 3])
async def test_a_cancelled_orders_money_goes_back_by_the_next_refund_when_one_fails(
    world: World, refusals: list[ProviderRefund]
) -> None:
    await world.placed()
    await world.work()
    world.provider.refuses = list(refusals)
    await world.cancelled()
    before = _counted("abandoned")
    await world.quiet()

    assert world.payment.refunded == world.payment.captured == TOTAL
    assert list(world.provider.refunded.values()) == [10_000]
    *failed, last = world.payment.refunds
    assert {refund.status for refund in failed} == {RefundStatus.FAILED}
    assert last.status is RefundStatus.SUCCEEDED
    assert world.told() == [PaymentSucceeded, PaymentRefunded]
    assert _counted("abandoned") == before


async def test_the_next_refund_comes_later_each_time_and_the_last_leaves_it_to_people(world: World) -> None:
    await world.placed()
    await world.work()
    world.provider.refuses = [NEVER] * 100
    await world.cancelled()
    before = _counted("abandoned")
    await world.quiet()

    assert world.provider.calls.count("refund") == 5
    assert world.payment.keeps_money
    assert world.payment.refundable == TOTAL
    assert {(each.status, each.due_time) for each in world.payment.refunds} == {(RefundStatus.FAILED, None)}
    made = [refund.create_time for refund in world.payment.refunds]
    ended = [refund.update_time for refund in world.payment.refunds]
    waited = [(end - made).total_seconds() for made, end in zip(made[1:], ended[1:], strict=True)]
    assert waited == [60, 600, 6_000, 60_000]
    assert _counted("abandoned") == before + 1
    assert world.told() == [PaymentSucceeded]


@pytest.mark.parametrize("amount", ["40.00", "100.00"])
@pytest.mark.parametrize("is_first", [True, False])
async def test_an_admins_refund_that_fails_after_the_order_is_cancelled_goes_back_by_the_orders_own(
    world: World, amount: str, is_first: bool
) -> None:
    await world.placed()
    await world.work()
    request = RefundRequest(world.payment.id, Decimal(amount), "damaged", "k")
    await world.refunds.give_back(Principal(uuid4(), Role.ADMIN, uuid4()), request)
    await world.cancelled()
    asked = next(refund for refund in world.payment.refunds if refund.reason == "damaged")
    claimed = await world.refunds.claim(10)
    for refund in sorted(claimed, key=lambda each: (each.id == asked.id) is not is_first):
        world.provider.refuses = [NEVER] if refund.id == asked.id else []
        await world.refunds.make(refund)
    await world.quiet()

    assert world.payment.refunded == world.payment.captured == TOTAL
    assert sum(world.provider.refunded.values()) == 10_000


async def test_a_refund_that_fails_while_its_order_lives_is_left_to_who_asked_for_it(world: World) -> None:
    await world.placed()
    await world.work()
    request = RefundRequest(world.payment.id, Decimal("40.00"), "damaged", "k")
    await world.refunds.give_back(Principal(uuid4(), Role.ADMIN, uuid4()), request)
    world.provider.refuses = [NEVER]
    before = _counted("failed")
    await world.quiet()
    assert [refund.status for refund in world.payment.refunds] == [RefundStatus.FAILED]
    assert _counted("failed") == before + 1
    await world.cancelled()
    await world.quiet()
    assert world.payment.refunded == TOTAL


def _counted(outcome: str) -> float:
    return float(REFUNDS.labels(outcome)._value.get())


async def test_a_refund_that_came_back_from_the_bank_is_made_again(world: World) -> None:
    await world.placed()
    await world.work()
    await world.cancelled()
    await world.work()
    [refund] = world.payment.refunds
    before = _counted("bounced")
    world.provider.bounced.add(refund.provider_id)
    hint = Hint(uuid4(), refund_id=refund.provider_id, failed=True)
    assert not await world.refunds.provider_changed(hint)
    assert _counted("bounced") == before + 1
    await world.work(3)

    [again] = world.payment.refunds
    assert (again.status, again.provider_id != refund.provider_id) == (RefundStatus.SUCCEEDED, True)
    assert world.payment.refunded == TOTAL
    assert len(world.provider.refunded) == 2


async def test_a_webhook_that_is_wrong_about_a_refund_changes_nothing_in_the_end(world: World) -> None:
    await world.placed()
    await world.work()
    await world.cancelled()
    await world.work()
    [refund] = world.payment.refunds
    await world.refunds.provider_changed(Hint(uuid4(), refund_id=refund.provider_id, failed=True))
    await world.work()
    assert [(each.status, each.provider_id) for each in world.payment.refunds] == [
        (RefundStatus.SUCCEEDED, refund.provider_id)
    ]
    assert len(world.provider.refunded) == 1


async def test_a_webhook_about_a_refund_under_way_ends_the_wait(world: World) -> None:
    world.provider.refund_done = False
    await world.placed()
    await world.work()
    await world.cancelled()
    await world.work()
    [refund] = world.payment.refunds
    world.store.payments[world.payment.id].refunds[0].due_time = world.clock.now + timedelta(days=1)
    world.provider.refund_done = True
    hint = Hint(uuid4(), refund_id=refund.provider_id)
    assert await world.refunds.provider_changed(hint)
    await world.work()
    assert world.told() == [PaymentSucceeded, PaymentRefunded]
