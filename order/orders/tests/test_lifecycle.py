"""Invariants of any sequence of changes to an order."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from order.orders.domain import (
    CancelReason,
    DomainEvent,
    OrderRefunded,
    Status,
)
from order.orders.errors import InvalidOrderState
from order.orders.tests.samples import NOW, pending, usd

_TRANSITIONS = {
    (Status.PENDING, Status.CONFIRMED),
    (Status.PENDING, Status.CANCELLED),
    (Status.CONFIRMED, Status.SHIPPED),
    (Status.CONFIRMED, Status.CANCELLED),
    (Status.SHIPPED, Status.DELIVERED),
}


class OrderLifecycle(RuleBasedStateMachine):
    """Commands and reactions in any order, any number of times."""

    def __init__(self) -> None:
        super().__init__()
        self.order = pending()
        self.events: list[DomainEvent] = []
        self.now = NOW

    def record(self, event: DomainEvent | None) -> None:
        if event is not None:
            self.events.append(event)

    def command(self, call: Callable[[], DomainEvent | None]) -> None:
        before = (self.order.status, self.order.version)
        try:
            self.record(call())
        except InvalidOrderState:
            assert (self.order.status, self.order.version) == before

    @rule(reason=st.sampled_from(CancelReason))
    def cancel(self, reason: CancelReason) -> None:
        self.command(lambda: self.order.cancel(reason, self.now))

    @rule()
    def ship(self) -> None:
        self.command(lambda: self.order.ship(self.now))

    @rule()
    def deliver(self) -> None:
        self.command(lambda: self.order.deliver(self.now))

    @rule(stock_committed=st.booleans())
    def payment_succeeds(self, stock_committed: bool) -> None:
        self.record(self.order.payment_succeeded(stock_committed, self.now))

    @rule()
    def payment_fails(self) -> None:
        self.record(self.order.payment_failed("card_declined", self.now))

    @rule(minor=st.integers(0, 199_998))
    def refund(self, minor: int) -> None:
        self.record(self.order.refund(usd(minor), "", self.now))

    @rule(minutes=st.integers(1, 6))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.record(self.order.expire(self.now))

    @invariant()
    def the_history_follows_the_transitions_and_ends_at_the_status(self) -> None:
        path = [change.status for change in self.order.history]
        assert path[0] is Status.PENDING
        assert path[-1] is self.order.status
        assert set(pairwise(path)) <= _TRANSITIONS

    @invariant()
    def every_transition_returned_one_event_that_carries_it(self) -> None:
        changes = [event for event in self.events if not isinstance(event, OrderRefunded)]
        assert [event.order.status for event in changes] == [
            change.status for change in self.order.history[1:]
        ]
        assert [len(event.order.history) for event in changes] == list(range(2, len(self.order.history) + 1))

    @invariant()
    def every_version_has_one_event_and_the_last_is_the_order(self) -> None:
        assert [event.order.version for event in self.events] == list(range(2, self.order.version + 1))
        assert not self.events or self.events[-1].order == self.order

    @invariant()
    def the_refunded_amount_never_decreases(self) -> None:
        amounts = [event.order.refunded.minor for event in self.events]
        assert amounts == sorted(amounts)

    @invariant()
    def only_cancelled_orders_have_a_reason(self) -> None:
        assert (self.order.status is Status.CANCELLED) == (self.order.cancel_reason is not None)

    @precondition(lambda self: self.now >= self.order.deadline)
    @invariant()
    def nothing_is_pending_past_its_deadline(self) -> None:
        assert self.order.status is not Status.PENDING


test_every_lifecycle_is_legal = OrderLifecycle.TestCase
