"""What payment hears of orders, five times each and in any order, with its pools at work in between: no difference to hearing it once."""

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
from payment.payments.domain import Intent, IntentStatus
from payment.tests.fakes import FakePaymentStore
from payment.tests.world import World

TOTAL = 10_000
OUTCOMES = {
    "paid": Intent("", IntentStatus.SUCCEEDED),
    "declined": Intent("", IntentStatus.DECLINED, "card_declined"),
    "undecided": Intent("", IntentStatus.PROCESSING),
}


@dataclass
class Listening(World):
    """The reactions and the pools, with fakes around them. No inbox: the reactions alone are asked."""

    store: FakePaymentStore = field(default_factory=FakePaymentStore)
    outcome: Intent = OUTCOMES["paid"]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.provider.outcome = self.outcome
        self.on = OrderEvents(self.orders).subscription().handlers

    def facts(self) -> dict[str, Any]:
        """An order that is placed, and cancelled."""
        order = order_pb2.Order(
            id=ORDER.format(ORDER.derive("heard")),
            account_id=ACCOUNT.format(ACCOUNT.derive("heard")),
            total=money_to_proto(Money(TOTAL, "USD")),
        )
        until = timestamp_to_proto(self.clock.now + timedelta(days=1))
        return {
            "placed": pb.OrderPlaced(order=order, payment_method="pm_card_visa", pay_before=until),
            "cancelled": pb.OrderCancelled(order=order),
        }

    async def hears(self, body: Any) -> None:
        event = Event(uuid4(), body.DESCRIPTOR.full_name, body.order.id, self.clock.now, body, "", {})
        reaction: Any = self.on[type(body)]
        async with self.db.transaction() as tx:
            await (reaction.apply(tx, [event]) if isinstance(reaction, BatchHandler) else reaction(tx, event))

    async def end(self, steps: list[str]) -> tuple[object, ...]:
        """What is harness, charged, given back and told after all of it."""
        facts = self.facts()
        for step in steps:
            await (self.work() if step == "work" else self.hears(facts[step]))
        for _ in range(5):
            await self.work()
        [payment] = self.store.payments.values()
        refunds = [(refund.amount.minor, refund.status) for refund in payment.refunds]
        intents = [intent.status for intent in self.provider.intents.values()]
        told = [type(fact) for fact in self.db.events]
        assert len(intents) <= 1
        assert len(told) == len(set(told))
        return payment.status, payment.order_cancelled, refunds, intents, self.provider.refunded, told


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("story", [["placed"], ["cancelled"], ["placed", "cancelled"]])
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_facts_five_times_each_in_any_order_make_no_difference(
    outcome: str, story: list[str], random: Random
) -> None:
    steps = [*story * 5, *["work"] * random.randrange(8)]
    random.shuffle(steps)
    once = [step for at, step in enumerate(steps) if step == "work" or step not in steps[:at]]

    ends = [asyncio.run(Listening(outcome=OUTCOMES[outcome]).end(heard)) for heard in (once, steps)]

    assert ends[0] == ends[1]


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_whenever_a_cancellation_is_heard_nothing_of_the_charge_stays(random: Random) -> None:
    steps = [*["placed", "cancelled", "work"] * 5]
    random.shuffle(steps)
    listening = Listening(outcome=OUTCOMES["paid"])

    *_, intents, refunded, _ = asyncio.run(listening.end(steps))

    captured = TOTAL if intents == [IntentStatus.SUCCEEDED] else 0
    given_back: Any = refunded
    assert sum(given_back.values()) == captured
