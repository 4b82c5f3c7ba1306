"""Order events, repeated and in any order, with the workers running in between, have the same result as single ones."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from souk.order.v1 import events_pb2 as pb
from souk.order.v1 import order_pb2

from kit.events import BatchHandler, Event
from kit.values import ACCOUNT, ORDER, Money, money_to_proto, timestamp_to_proto
from payment.charges.consumers import OrderEvents
from payment.intents.domain import Intent, IntentStatus
from payment.tests.fakes import FakePaymentStore
from payment.tests.world import World

TOTAL = 10_000
OUTCOMES = {
    "paid": Intent("", IntentStatus.SUCCEEDED),
    "declined": Intent("", IntentStatus.DECLINED, "card_declined"),
    "processing": Intent("", IntentStatus.PROCESSING),
}


@dataclass
class Subscription(World):
    """The reactions and the workers on fakes, without an inbox."""

    store: FakePaymentStore = field(default_factory=FakePaymentStore)
    outcome: Intent = OUTCOMES["paid"]
    total: int = TOTAL
    by_page: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.provider.outcome = self.outcome
        self.on = OrderEvents(self.orders).subscription().handlers

    def order_events(self) -> dict[str, Any]:
        """The events of an order that is placed and cancelled."""
        order = order_pb2.Order(
            id=ORDER.format(ORDER.derive("order")),
            account_id=ACCOUNT.format(ACCOUNT.derive("order")),
            total=money_to_proto(Money(self.total, "USD")),
        )
        confirmation = "CLIENT" if self.by_page else "SERVER"
        method = "" if self.by_page else "pm_card_visa"
        pay_before = timestamp_to_proto(self.clock.now + timedelta(days=1))
        return {
            "placed": pb.OrderPlaced(
                order=order,
                payment_method=method,
                pay_before=pay_before,
                confirmation=f"PAYMENT_CONFIRMATION_{confirmation}",
                save_method=True,
            ),
            "cancelled": pb.OrderCancelled(order=order),
        }

    async def receive(self, body: Any) -> None:
        event = Event(uuid4(), body.DESCRIPTOR.full_name, body.order.id, self.clock.now, body, "", {})
        reaction: Any = self.on[type(body)]
        async with self.db.transaction() as tx:
            await (reaction.apply(tx, [event]) if isinstance(reaction, BatchHandler) else reaction(tx, event))

    async def final_state(self, steps: list[str]) -> tuple[object, ...]:
        """The stored, charged, refunded and published state after all steps."""
        events = self.order_events()
        for step in steps:
            await (self.work() if step == "work" else self.receive(events[step]))
        for _ in range(5):
            await self.work()
        [payment] = self.store.payments.values()
        refunds = [(refund.amount.minor, refund.status) for refund in payment.refunds]
        intents = [intent.status for intent in self.provider.intents.values()]
        published = [type(event) for event in self.db.events]
        assert len(intents) <= 1
        assert len(published) == len(set(published))
        assert len(self.saved_methods.placed) <= 1
        return payment.status, payment.order_cancelled, refunds, intents, self.provider.refunded, published


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("story", [["placed"], ["cancelled"], ["placed", "cancelled"]])
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_repeated_events_in_any_order_make_no_difference(
    outcome: str, story: list[str], random: Random
) -> None:
    steps = [*story * 5, *["work"] * random.randrange(8)]
    random.shuffle(steps)
    once = [step for index, step in enumerate(steps) if step == "work" or step not in steps[:index]]

    states = [
        asyncio.run(Subscription(outcome=OUTCOMES[outcome]).final_state(sequence))
        for sequence in (once, steps)
    ]

    assert states[0] == states[1]


@pytest.mark.parametrize(("total", "by_page"), [(0, False), (0, True), (TOTAL, True)])
@pytest.mark.parametrize("story", [["placed"], ["cancelled"], ["placed", "cancelled"]])
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_repeated_events_make_no_difference_to_payments_of_pages_and_to_totals_of_zero(
    total: int, by_page: bool, story: list[str], random: Random
) -> None:
    steps = story * 5
    random.shuffle(steps)
    once = [step for index, step in enumerate(steps) if step not in steps[:index]]

    states = [
        asyncio.run(Subscription(total=total, by_page=by_page).final_state(sequence))
        for sequence in (once, steps)
    ]

    assert states[0] == states[1]


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_cancellation_at_any_point_refunds_everything_that_was_charged(random: Random) -> None:
    steps = [*["placed", "cancelled", "work"] * 5]
    random.shuffle(steps)
    subscription = Subscription(outcome=OUTCOMES["paid"])

    *_, intents, refunded, _ = asyncio.run(subscription.final_state(steps))

    captured = TOTAL if intents == [IntentStatus.SUCCEEDED] else 0
    refunds: Any = refunded
    assert sum(refunds.values()) == captured
