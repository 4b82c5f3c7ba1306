"""Payment events, one by one, out of order and repeated, with fakes."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from souk.payment.v1 import events_pb2

from kit.testing.principals import admin
from kit.values import Money, money_to_proto
from order.orders.domain import CancelReason, Order, OrderCancelled, OrderRefunded, Status
from order.orders.ports import StockState
from order.tests.subscriptions import Subscriptions, payment


async def test_payment_succeeded_commits_the_stock_and_confirms_the_order() -> None:
    shop = Subscriptions()
    order = await shop.pending()

    await shop.receive(events_pb2.PaymentSucceeded(payment=payment(order)))

    assert (await shop.current(order)).status is Status.CONFIRMED
    assert shop.catalog.states[order.id] is StockState.COMMITTED


async def test_payment_failed_cancels_the_order_with_the_failure_code() -> None:
    shop = Subscriptions()
    order = await shop.pending()

    await shop.receive(events_pb2.PaymentFailed(payment=payment(order, failure_code="card_declined")))

    cancelled = await shop.current(order)
    assert (cancelled.cancel_reason, cancelled.status_reason) == (
        CancelReason.PAYMENT_FAILED,
        "card_declined",
    )


async def test_payment_refunded_is_recorded_and_a_full_refund_cancels_the_order() -> None:
    shop = Subscriptions()
    order = await shop.pending()
    await shop.receive(events_pb2.PaymentSucceeded(payment=payment(order)))

    await shop.receive(
        events_pb2.PaymentRefunded(payment=payment(order, refunded=money_to_proto(Money(1, "USD"))))
    )
    assert (await shop.current(order)).refunded == Money(1, "USD")

    full = payment(order, refunded=money_to_proto(order.total))
    await shop.receive(events_pb2.PaymentRefunded(payment=full, refund={"reason": "damaged"}))
    assert ((await shop.current(order)).status, (await shop.current(order)).status_reason) == (
        "CANCELLED",
        "damaged",
    )


def refunded(order: Order, minor: int, reason: str = "") -> events_pb2.PaymentRefunded:
    so_far = payment(order, refunded=money_to_proto(Money(minor, "USD")))
    return events_pb2.PaymentRefunded(payment=so_far, refund={"reason": reason})


Story = Callable[[Order], list[Any]]


STORIES: dict[str, Story] = {
    "declined": lambda order: [
        events_pb2.PaymentFailed(payment=payment(order, failure_code="card_declined"))
    ],
    "paid": lambda order: [events_pb2.PaymentSucceeded(payment=payment(order))],
    "partly refunded": lambda order: [
        events_pb2.PaymentSucceeded(payment=payment(order)),
        refunded(order, 100),
        refunded(order, 300),
    ],
    "fully refunded": lambda order: [
        events_pb2.PaymentSucceeded(payment=payment(order)),
        refunded(order, 100, "scratched"),
        refunded(order, order.total.minor, "damaged"),
    ],
}


BEFORE: dict[str, Callable[[Subscriptions, Order], Awaitable[Any]]] = {
    "as placed": lambda shop, order: shop.current(order),
    "cancelled": lambda shop, order: shop.orders.cancel(admin(), order.id, "sold twice"),
}


def _end(order: Order) -> tuple[object, ...]:
    return order.status, order.cancel_reason, order.status_reason, order.refunded


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("before", BEFORE)
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_events_in_any_order_and_repeated_lead_to_the_same_order(
    story: str, before: str, random: Random
) -> None:
    async def final_state(times: int, shuffled: bool) -> tuple[tuple[object, ...], list[Any]]:
        shop = Subscriptions()
        order = await shop.pending()
        await BEFORE[before](shop, order)
        events = STORIES[story](order) * times
        if shuffled:
            random.shuffle(events)
        for event in events:
            await shop.receive(event)
        current = await shop.current(order)
        assert [event.order.version for event in shop.published()] == list(range(1, current.version + 1))
        assert len({change.status for change in current.history}) == len(current.history)
        return _end(current), shop.published()

    once, _ = asyncio.run(final_state(1, shuffled=False))
    assert asyncio.run(final_state(5, shuffled=True))[0] == once


@pytest.mark.parametrize("story", STORIES)
async def test_repeated_events_publish_the_same_events_as_single_ones(story: str) -> None:
    published = []
    for times in (1, 5):
        shop = Subscriptions()
        order = await shop.pending()
        for event in STORIES[story](order):
            for _ in range(times):
                await shop.receive(event)
        published.append([(type(event), event.order.version) for event in shop.published()])

    assert published[0] == published[1]


@pytest.mark.parametrize("status", [Status.SHIPPED, Status.DELIVERED])
async def test_a_refund_after_shipping_changes_only_the_refunded_amount(status: Status) -> None:
    shop = Subscriptions()
    order = await shop.pending()
    await shop.receive(events_pb2.PaymentSucceeded(payment=payment(order)))
    for step in (Status.SHIPPED, Status.DELIVERED)[: 1 if status is Status.SHIPPED else 2]:
        await shop.orders.update_status(order.id, step, "", "")

    await shop.receive(refunded(order, order.total.minor, "damaged"))

    current = await shop.current(order)
    assert _end(current) == (status, None, "", order.total)
    assert shop.catalog.states[order.id] is StockState.COMMITTED
    assert isinstance(shop.published()[-1], OrderRefunded)


@pytest.mark.parametrize("state", [StockState.RELEASED, StockState.RETURNED, StockState.NONE])
async def test_an_order_paid_after_its_reservation_expired_is_cancelled_and_then_refunded(
    state: StockState,
) -> None:
    shop = Subscriptions()
    order = await shop.pending()
    if state is StockState.NONE:
        del shop.catalog.states[order.id]
    else:
        shop.catalog.states[order.id] = state
    paid = events_pb2.PaymentSucceeded(payment=payment(order))

    for _ in range(5):
        await shop.receive(paid)
    for event in (refunded(order, order.total.minor, "order cancelled"), paid) * 5:
        await shop.receive(event)

    assert _end(await shop.current(order)) == (
        Status.CANCELLED,
        CancelReason.RESERVATION_EXPIRED,
        "",
        order.total,
    )
    assert [type(event) for event in shop.published()[1:]] == [OrderCancelled, OrderRefunded]
