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
async def test_a_refund_with_a_lost_response_is_made_once(world: OneOrder, error: Exception) -> None:
    await world.place()
    await world.work()
    world.provider.lost_responses = [error]
    await world.cancel()
    await world.work(3)

    assert list(world.provider.refunded.values()) == [10_000]
    assert world.payment.refunded == TOTAL
    assert world.published() == [PaymentSucceeded, PaymentRefunded]


async def test_a_refund_is_read_before_it_is_attempted_again(
    world: OneOrder,
) -> None:
    await world.place()
    await world.work()
    world.provider.lost_responses = [ProviderUnavailable()]
    await world.cancel()
    await world.work()
    # The provider forgets keys after a day.
    world.clock.advance(hours=25)
    await world.work()
    assert world.provider.calls[-2:] == ["refund", "read_refund"]
    assert world.payment.refunded == TOTAL


async def test_a_crash_after_a_refund_does_not_refund_twice(world: OneOrder) -> None:
    await world.place()
    await world.work()
    await world.cancel()
    [leased] = await world.refunds.claim(1)
    await world.provider.refund(world.payment, leased)
    # The worker crashes here.
    world.clock.advance(hours=25)
    await world.work()
    assert world.provider.calls[-2:] == ["refund", "read_refund"]
    assert world.payment.refunded == TOTAL


async def test_a_failed_refund_call_is_repeated_with_a_new_key(
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


async def test_a_pending_refund_is_read_until_it_succeeds(world: OneOrder) -> None:
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


async def test_a_rejected_refund_is_retried_and_made_once(world: OneOrder) -> None:
    await world.place()
    await world.work()
    world.provider.refund_results = [ProviderRefund("re_1", done=False, rejected=True)] * 2
    await world.cancel()
    await world.work(10)

    assert list(world.provider.refunded.values()) == [10_000]
    assert [refund.status for refund in world.payment.refunds] == [RefundStatus.SUCCEEDED]
    assert world.published() == [PaymentSucceeded, PaymentRefunded]


REJECTED = ProviderRefund("re_1", done=False, rejected=True)


FINAL = ProviderRefund("re_1", done=False, rejected=True, final=True)


@pytest.mark.parametrize(
    "rejections",
    [[REJECTED] * 5, [FINAL], [FINAL] * 4, [REJECTED] * 5 + [FINAL] * 3],
)
async def test_a_failed_refund_of_a_cancelled_order_is_followed_by_another(
    world: OneOrder, rejections: list[ProviderRefund]
) -> None:
    await world.place()
    await world.work()
    world.provider.refund_results = list(rejections)
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


async def test_refunds_of_a_cancelled_order_follow_later_each_time_and_end_with_manual_action(
    world: OneOrder,
) -> None:
    await world.place()
    await world.work()
    world.provider.refund_results = [FINAL] * 100
    await world.cancel()
    before = _counted("abandoned")
    await world.finish_refunds()

    assert world.provider.calls.count("refund") == 5
    assert world.payment.needs_manual_refund
    assert world.payment.refundable == TOTAL
    assert {(refund.status, refund.due_time) for refund in world.payment.refunds} == {
        (RefundStatus.FAILED, None)
    }
    created = [refund.create_time for refund in world.payment.refunds]
    settled = [refund.update_time for refund in world.payment.refunds]
    delays = [(end - created).total_seconds() for created, end in zip(created[1:], settled[1:], strict=True)]
    assert delays == [60, 600, 6_000, 60_000]
    assert _counted("abandoned") == before + 1
    assert world.published() == [PaymentSucceeded]


@pytest.mark.parametrize("amount", ["40.00", "100.00"])
@pytest.mark.parametrize("is_first", [True, False])
async def test_an_admins_failed_refund_is_covered_by_the_refund_of_the_cancelled_order(
    world: OneOrder, amount: str, is_first: bool
) -> None:
    await world.place()
    await world.work()
    request = RefundRequest(world.payment.id, Decimal(amount), "damaged", "k")
    await world.refunds.refund_payment(Principal(uuid4(), Role.ADMIN, uuid4()), request)
    await world.cancel()
    requested = next(refund for refund in world.payment.refunds if refund.reason == "damaged")
    claimed = await world.refunds.claim(10)
    for refund in sorted(claimed, key=lambda refund: (refund.id == requested.id) is not is_first):
        world.provider.refund_results = [FINAL] if refund.id == requested.id else []
        await world.refunds.make(refund)
    await world.finish_refunds()

    assert world.payment.refunded == world.payment.captured == TOTAL
    assert sum(world.provider.refunded.values()) == 10_000


async def test_a_failed_refund_of_an_active_order_is_not_repeated(world: OneOrder) -> None:
    await world.place()
    await world.work()
    request = RefundRequest(world.payment.id, Decimal("40.00"), "damaged", "k")
    await world.refunds.refund_payment(Principal(uuid4(), Role.ADMIN, uuid4()), request)
    world.provider.refund_results = [FINAL]
    before = _counted("failed")
    await world.finish_refunds()
    assert [refund.status for refund in world.payment.refunds] == [RefundStatus.FAILED]
    assert _counted("failed") == before + 1
    await world.cancel()
    await world.finish_refunds()
    assert world.payment.refunded == TOTAL


def _counted(outcome: str) -> float:
    return float(REFUNDS.labels(outcome)._value.get())


async def test_a_refund_that_the_bank_returned_is_made_again(world: OneOrder) -> None:
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


async def test_a_wrong_webhook_about_a_refund_changes_nothing(world: OneOrder) -> None:
    await world.place()
    await world.work()
    await world.cancel()
    await world.work()
    [refund] = world.payment.refunds
    await world.webhooks.receive(WebhookEvent(uuid4(), refund_id=refund.provider_id, failed=True))
    await world.work()
    assert [(refund.status, refund.provider_id) for refund in world.payment.refunds] == [
        (RefundStatus.SUCCEEDED, refund.provider_id)
    ]
    assert len(world.provider.refunded) == 1


async def test_a_webhook_makes_a_pending_refund_due(world: OneOrder) -> None:
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
