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
from order.tests.listening import Listening, payment


async def test_payment_succeeded_sells_the_stock_and_confirms() -> None:
    listening = Listening()
    order = await listening.pending()

    await listening.hears(events_pb2.PaymentSucceeded(payment=payment(order)))

    assert (await listening.current(order)).status is Status.CONFIRMED
    assert listening.catalog.states[order.id] is StockState.COMMITTED


async def test_payment_failed_cancels_with_its_code() -> None:
    listening = Listening()
    order = await listening.pending()

    await listening.hears(events_pb2.PaymentFailed(payment=payment(order, failure_code="card_declined")))

    cancelled = await listening.current(order)
    assert (cancelled.cancel_reason, cancelled.status_reason) == (
        CancelReason.PAYMENT_FAILED,
        "card_declined",
    )


async def test_payment_refunded_is_noted_and_a_whole_one_cancels() -> None:
    listening = Listening()
    order = await listening.pending()
    await listening.hears(events_pb2.PaymentSucceeded(payment=payment(order)))

    await listening.hears(
        events_pb2.PaymentRefunded(payment=payment(order, refunded=money_to_proto(Money(1, "USD"))))
    )
    assert (await listening.current(order)).refunded == Money(1, "USD")

    whole = payment(order, refunded=money_to_proto(order.total))
    await listening.hears(events_pb2.PaymentRefunded(payment=whole, refund={"reason": "damaged"}))
    assert ((await listening.current(order)).status, (await listening.current(order)).status_reason) == (
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
    "a part went back": lambda order: [
        events_pb2.PaymentSucceeded(payment=payment(order)),
        refunded(order, 100),
        refunded(order, 300),
    ],
    "all went back": lambda order: [
        events_pb2.PaymentSucceeded(payment=payment(order)),
        refunded(order, 100, "scratched"),
        refunded(order, order.total.minor, "damaged"),
    ],
}


BEFORE: dict[str, Callable[[Listening, Order], Awaitable[Any]]] = {
    "as placed": lambda listening, order: listening.current(order),
    "cancelled": lambda listening, order: listening.orders.cancel(admin(), order.id, "sold twice"),
}


def _end(order: Order) -> tuple[object, ...]:
    return order.status, order.cancel_reason, order.status_reason, order.refunded


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("before", BEFORE)
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_facts_in_any_order_and_five_times_each_end_at_the_same_order(
    story: str, before: str, random: Random
) -> None:
    async def end_of(times: int, shuffled: bool) -> tuple[tuple[object, ...], list[Any]]:
        listening = Listening()
        order = await listening.pending()
        await BEFORE[before](listening, order)
        facts = STORIES[story](order) * times
        if shuffled:
            random.shuffle(facts)
        for fact in facts:
            await listening.hears(fact)
        now = await listening.current(order)
        assert [fact.order.version for fact in listening.facts()] == list(range(1, now.version + 1))
        assert len({step.status for step in now.history}) == len(now.history)
        return _end(now), listening.facts()

    once, _ = asyncio.run(end_of(1, shuffled=False))
    assert asyncio.run(end_of(5, shuffled=True))[0] == once


@pytest.mark.parametrize("story", STORIES)
async def test_facts_five_times_each_tell_what_they_tell_once(story: str) -> None:
    told = []
    for times in (1, 5):
        listening = Listening()
        order = await listening.pending()
        for fact in STORIES[story](order):
            for _ in range(times):
                await listening.hears(fact)
        told.append([(type(fact), fact.order.version) for fact in listening.facts()])

    assert told[0] == told[1]


@pytest.mark.parametrize("status", [Status.SHIPPED, Status.DELIVERED])
async def test_after_shipping_a_refund_changes_the_amount_only(status: Status) -> None:
    listening = Listening()
    order = await listening.pending()
    await listening.hears(events_pb2.PaymentSucceeded(payment=payment(order)))
    for step in (Status.SHIPPED, Status.DELIVERED)[: 1 if status is Status.SHIPPED else 2]:
        await listening.orders.update_status(order.id, step, "", "")

    await listening.hears(refunded(order, order.total.minor, "damaged"))

    now = await listening.current(order)
    assert _end(now) == (status, None, "", order.total)
    assert listening.catalog.states[order.id] is StockState.COMMITTED
    assert isinstance(listening.facts()[-1], OrderRefunded)


@pytest.mark.parametrize("state", [StockState.RELEASED, StockState.RETURNED, StockState.NONE])
async def test_paid_after_its_reservation_ended_is_cancelled_and_the_money_follows(state: StockState) -> None:
    listening = Listening()
    order = await listening.pending()
    if state is StockState.NONE:
        del listening.catalog.states[order.id]
    else:
        listening.catalog.states[order.id] = state
    paid = events_pb2.PaymentSucceeded(payment=payment(order))

    for _ in range(5):
        await listening.hears(paid)
    for fact in (refunded(order, order.total.minor, "order cancelled"), paid) * 5:
        await listening.hears(fact)

    assert _end(await listening.current(order)) == (
        Status.CANCELLED,
        CancelReason.RESERVATION_EXPIRED,
        "",
        order.total,
    )
    assert [type(fact) for fact in listening.facts()[1:]] == [OrderCancelled, OrderRefunded]
