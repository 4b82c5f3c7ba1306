"""Making refunds, on fakes: retries, lost responses, and refunds of cancelled orders."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from kit.auth import Principal, Role
from kit.values import Money
from payment.metrics import REFUNDS
from payment.payments.domain import PaymentRefunded, PaymentSucceeded
from payment.payments.refund import ProviderRefund, RefundStatus
from payment.provider.errors import ProviderFailed, ProviderUnavailable
from payment.refunds.domain import RefundRequest
from payment.tests.one_order import TOTAL, OneOrder, world
from payment.webhooks.domain import WebhookEvent

__all__ = ["world"]


@pytest.mark.parametrize("error", [ProviderUnavailable(), ProviderFailed()])
async def test_a_refund_whose_answer_was_lost_goes_back_once(world: OneOrder, error: Exception) -> None:
    await world.place()
    await world.work()
    world.provider.lost_responses = [error]
    await world.cancel()
    await world.work(3)

    assert list(world.provider.refunded.values()) == [10_000]
    assert world.payment.refunded == TOTAL
    assert world.published() == [PaymentSucceeded, PaymentRefunded]


async def test_a_refund_that_was_tried_before_is_looked_for_before_its_key_is_used_again(
    world: OneOrder,
) -> None:
    await world.place()
    await world.work()
    world.provider.lost_responses = [ProviderUnavailable()]
    await world.cancel()
    await world.work()
    # The provider keeps keys for a day.
    world.clock.advance(hours=25)
    await world.work()
    assert world.provider.calls[-2:] == ["refund", "read_refund"]
    assert world.payment.refunded == TOTAL


async def test_a_worker_that_died_after_a_refund_makes_no_second_one(world: OneOrder) -> None:
    await world.place()
    await world.work()
    await world.cancel()
    [leased] = await world.refunds.claim(1)
    await world.provider.refund(world.payment, leased)
    # It died here.
    world.clock.advance(hours=25)
    await world.work()
    assert world.provider.calls[-2:] == ["refund", "read_refund"]
    assert world.payment.refunded == TOTAL


async def test_a_refund_that_the_provider_failed_before_its_effect_is_made_under_another_key(
    world: OneOrder,
) -> None:
    await world.place()
    await world.work()
    world.provider.errors = [ProviderFailed()]
    await world.cancel()
    await world.work(3)

    assert world.provider.calls[-3:] == ["refund", "read_refund", "refund"]
    assert list(world.provider.refunded.values()) == [10_000]
    assert world.published() == [PaymentSucceeded, PaymentRefunded]


async def test_a_refund_under_way_is_read_back_until_it_is_done(world: OneOrder) -> None:
    world.provider.refunds_succeed = False
    await world.place()
    await world.work()
    await world.cancel()
    await world.work(2)
    assert (world.payment.refunded, world.payment.refundable) == (Money.zero("USD"), Money.zero("USD"))
    world.provider.refunds_succeed = True
    await world.work()

    assert world.provider.calls[2:] == ["refund", "read_refund", "read_refund"]
    assert world.published() == [PaymentSucceeded, PaymentRefunded]


async def test_a_refused_refund_is_asked_for_again_and_goes_back_once(world: OneOrder) -> None:
    await world.place()
    await world.work()
    world.provider.refund_results = [ProviderRefund("re_1", done=False, rejected=True)] * 2
    await world.cancel()
    await world.work(10)

    assert list(world.provider.refunded.values()) == [10_000]
    assert [refund.status for refund in world.payment.refunds] == [RefundStatus.SUCCEEDED]
    assert world.published() == [PaymentSucceeded, PaymentRefunded]


REFUSED = ProviderRefund("re_1", done=False, rejected=True)


NEVER = ProviderRefund("re_1", done=False, rejected=True, final=True)


@pytest.mark.parametrize("refusals", [[REFUSED] * 5, [NEVER], [NEVER] * 4, [REFUSED] * 5 + [NEVER] * 3])
async def test_a_cancelled_orders_money_goes_back_by_the_next_refund_when_one_fails(
    world: OneOrder, refusals: list[ProviderRefund]
) -> None:
    await world.place()
    await world.work()
    world.provider.refund_results = list(refusals)
    await world.cancel()
    before = _counted("abandoned")
    await world.finish_refunds()

    assert world.payment.refunded == world.payment.captured == TOTAL
    assert list(world.provider.refunded.values()) == [10_000]
    *failed, last = world.payment.refunds
    assert {refund.status for refund in failed} == {RefundStatus.FAILED}
    assert last.status is RefundStatus.SUCCEEDED
    assert world.published() == [PaymentSucceeded, PaymentRefunded]
    assert _counted("abandoned") == before


async def test_the_next_refund_comes_later_each_time_and_the_last_leaves_it_to_people(
    world: OneOrder,
) -> None:
    await world.place()
    await world.work()
    world.provider.refund_results = [NEVER] * 100
    await world.cancel()
    before = _counted("abandoned")
    await world.finish_refunds()

    assert world.provider.calls.count("refund") == 5
    assert world.payment.needs_manual_refund
    assert world.payment.refundable == TOTAL
    assert {(each.status, each.due_time) for each in world.payment.refunds} == {(RefundStatus.FAILED, None)}
    made = [refund.create_time for refund in world.payment.refunds]
    ended = [refund.update_time for refund in world.payment.refunds]
    waited = [(end - made).total_seconds() for made, end in zip(made[1:], ended[1:], strict=True)]
    assert waited == [60, 600, 6_000, 60_000]
    assert _counted("abandoned") == before + 1
    assert world.published() == [PaymentSucceeded]


@pytest.mark.parametrize("amount", ["40.00", "100.00"])
@pytest.mark.parametrize("is_first", [True, False])
async def test_an_admins_refund_that_fails_after_the_order_is_cancelled_goes_back_by_the_orders_own(
    world: OneOrder, amount: str, is_first: bool
) -> None:
    await world.place()
    await world.work()
    request = RefundRequest(world.payment.id, Decimal(amount), "damaged", "k")
    await world.refunds.refund_payment(Principal(uuid4(), Role.ADMIN, uuid4()), request)
    await world.cancel()
    asked = next(refund for refund in world.payment.refunds if refund.reason == "damaged")
    claimed = await world.refunds.claim(10)
    for refund in sorted(claimed, key=lambda each: (each.id == asked.id) is not is_first):
        world.provider.refund_results = [NEVER] if refund.id == asked.id else []
        await world.refunds.make(refund)
    await world.finish_refunds()

    assert world.payment.refunded == world.payment.captured == TOTAL
    assert sum(world.provider.refunded.values()) == 10_000


async def test_a_refund_that_fails_while_its_order_lives_is_left_to_who_asked_for_it(world: OneOrder) -> None:
    await world.place()
    await world.work()
    request = RefundRequest(world.payment.id, Decimal("40.00"), "damaged", "k")
    await world.refunds.refund_payment(Principal(uuid4(), Role.ADMIN, uuid4()), request)
    world.provider.refund_results = [NEVER]
    before = _counted("failed")
    await world.finish_refunds()
    assert [refund.status for refund in world.payment.refunds] == [RefundStatus.FAILED]
    assert _counted("failed") == before + 1
    await world.cancel()
    await world.finish_refunds()
    assert world.payment.refunded == TOTAL


def _counted(outcome: str) -> float:
    return float(REFUNDS.labels(outcome)._value.get())


async def test_a_refund_that_came_back_from_the_bank_is_made_again(world: OneOrder) -> None:
    await world.place()
    await world.work()
    await world.cancel()
    await world.work()
    [refund] = world.payment.refunds
    before = _counted("returned")
    world.provider.returned.add(refund.provider_id)
    event = WebhookEvent(uuid4(), refund_id=refund.provider_id, failed=True)
    assert not await world.webhooks.receive(event)
    assert _counted("returned") == before + 1
    await world.work(3)

    [again] = world.payment.refunds
    assert (again.status, again.provider_id != refund.provider_id) == (RefundStatus.SUCCEEDED, True)
    assert world.payment.refunded == TOTAL
    assert len(world.provider.refunded) == 2


async def test_a_webhook_that_is_wrong_about_a_refund_changes_nothing_in_the_end(world: OneOrder) -> None:
    await world.place()
    await world.work()
    await world.cancel()
    await world.work()
    [refund] = world.payment.refunds
    await world.webhooks.receive(WebhookEvent(uuid4(), refund_id=refund.provider_id, failed=True))
    await world.work()
    assert [(each.status, each.provider_id) for each in world.payment.refunds] == [
        (RefundStatus.SUCCEEDED, refund.provider_id)
    ]
    assert len(world.provider.refunded) == 1


async def test_a_webhook_about_a_refund_under_way_ends_the_wait(world: OneOrder) -> None:
    world.provider.refunds_succeed = False
    await world.place()
    await world.work()
    await world.cancel()
    await world.work()
    [refund] = world.payment.refunds
    world.store.payments[world.payment.id].refunds[0].due_time = world.clock.now + timedelta(days=1)
    world.provider.refunds_succeed = True
    event = WebhookEvent(uuid4(), refund_id=refund.provider_id)
    assert await world.webhooks.receive(event)
    await world.work()
    assert world.published() == [PaymentSucceeded, PaymentRefunded]
