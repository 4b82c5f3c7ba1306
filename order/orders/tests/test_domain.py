"""Rules of orders, by sentence; and what holds whatever happens in whatever order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kit.values import MixedCurrency, Money
from order.orders.domain import (
    CancelReason,
    DomainEvent,
    Line,
    Order,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    Schedule,
    Status,
)
from order.orders.errors import InvalidOrderState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
PENDING_TIME = timedelta(minutes=10)
MARGIN = timedelta(minutes=2)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def placed(*lines: Line) -> OrderPlaced:
    chosen = lines or (Line(uuid4(), "Laptop", usd(99_999), 2),)
    schedule = Schedule.of(NOW, PENDING_TIME, NOW + timedelta(minutes=15))
    return Order.place(uuid4(), uuid4(), chosen, None, "pm_card_visa", schedule, NOW)


def pending() -> Order:
    return placed().order


def confirmed() -> Order:
    order = pending()
    order.payment_succeeded(True, NOW)
    return order


def test_a_new_order_is_pending_and_costs_the_sum_of_its_lines() -> None:
    order = placed(Line(uuid4(), "Laptop", usd(99_999), 2), Line(uuid4(), "Mug", usd(999), 3)).order

    assert order.status is Status.PENDING
    assert order.total == usd(202_995)
    assert order.refunded == usd(0)
    assert [change.status for change in order.history] == [Status.PENDING]
    assert order.version == 1


def test_an_order_has_one_currency() -> None:
    with pytest.raises(MixedCurrency):
        placed(Line(uuid4(), "Laptop", usd(1), 1), Line(uuid4(), "Uhr", Money(1, "CHF"), 1))


def test_charging_stops_before_the_order_is_cancelled() -> None:
    fact = placed()

    assert fact.order.deadline == NOW + PENDING_TIME
    assert fact.pay_before == fact.order.deadline - MARGIN


def test_an_order_never_outlives_its_reservation() -> None:
    expires = NOW + timedelta(minutes=5)

    assert Schedule.of(NOW, PENDING_TIME, expires) == Schedule(expires - MARGIN, expires)


def test_a_paid_order_with_sold_stock_is_confirmed() -> None:
    order = pending()

    fact = order.payment_succeeded(True, LATER)

    assert isinstance(fact, OrderConfirmed)
    assert fact.order == order
    assert (order.status, order.version, order.update_time) == (Status.CONFIRMED, 2, LATER)


def test_a_paid_order_whose_stock_went_back_is_cancelled() -> None:
    order = pending()

    assert isinstance(order.payment_succeeded(False, LATER), OrderCancelled)
    assert order.cancel_reason is CancelReason.RESERVATION_EXPIRED


def test_a_declined_order_is_cancelled_with_the_code() -> None:
    order = pending()

    assert isinstance(order.payment_failed("card_declined", LATER), OrderCancelled)
    assert (order.cancel_reason, order.status_reason) == (CancelReason.PAYMENT_FAILED, "card_declined")


def test_an_unpaid_order_is_cancelled_at_its_deadline_and_not_before() -> None:
    order = pending()

    assert order.expire(order.deadline - timedelta(milliseconds=1)) is None
    assert isinstance(order.expire(order.deadline), OrderCancelled)
    assert order.cancel_reason is CancelReason.PAYMENT_TIMEOUT


def test_a_fact_keeps_what_was_true_then() -> None:
    order = pending()
    fact = order.payment_succeeded(True, LATER)
    order.ship(LATER)

    assert fact is not None
    assert fact.order.status is Status.CONFIRMED


def test_a_whole_refund_cancels_a_confirmed_order() -> None:
    order = confirmed()

    assert isinstance(order.refund(order.total, "damaged", LATER), OrderCancelled)
    assert (order.status_reason, order.refunded) == ("damaged", order.total)


def test_a_part_of_a_refund_is_noted_and_changes_no_status() -> None:
    order = confirmed()

    fact = order.refund(usd(100), "", LATER)

    assert isinstance(fact, OrderRefunded)
    assert fact.order == order
    assert (order.status, order.refunded, order.version) == (Status.CONFIRMED, usd(100), 3)


def test_an_older_refund_that_arrives_late_changes_nothing() -> None:
    order = confirmed()
    order.refund(usd(200), "", LATER)

    assert order.refund(usd(100), "", LATER) is None
    assert (order.refunded, order.version) == (usd(200), 3)


def test_a_whole_refund_of_a_shipped_order_changes_no_status() -> None:
    order = confirmed()
    order.ship(LATER)

    assert isinstance(order.refund(order.total, "", LATER), OrderRefunded)
    assert (order.status, order.refunded) == (Status.SHIPPED, order.total)


def test_a_whole_refund_that_is_heard_before_its_payment_leaves_nothing_to_confirm() -> None:
    order = pending()

    assert isinstance(order.refund(order.total, "damaged", LATER), OrderCancelled)
    assert order.payment_succeeded(True, LATER) is None
    assert order.status is Status.CANCELLED


def test_money_of_a_cancelled_order_goes_back_without_a_new_status() -> None:
    order = confirmed()
    order.cancel(CancelReason.CUSTOMER, LATER, "changed my mind")

    assert isinstance(order.refund(order.total, "requested_by_customer", LATER), OrderRefunded)
    assert (order.cancel_reason, order.status_reason) == (CancelReason.CUSTOMER, "changed my mind")


def test_a_cancellation_shows_its_text_in_the_history() -> None:
    order = confirmed()

    fact = order.cancel(CancelReason.CUSTOMER, LATER, "changed my mind")

    assert isinstance(fact, OrderCancelled)
    assert (order.history[-1].note, order.status_reason) == ("changed my mind", "changed my mind")
    assert order.history[-1].internal_note == ""


def test_an_order_goes_out_and_arrives_once() -> None:
    order = confirmed()

    assert isinstance(order.ship(LATER, "by bike"), OrderShipped)
    assert order.ship(LATER, "by car") is None
    assert isinstance(order.deliver(LATER), OrderDelivered)
    assert order.deliver(LATER) is None
    assert [change.note for change in order.history] == ["", "", "by bike", ""]
    with pytest.raises(InvalidOrderState, match="DELIVERED and cannot become SHIPPED"):
        order.ship(LATER)


def test_shipping_keeps_both_notes() -> None:
    order = confirmed()

    assert isinstance(order.ship(LATER, "by bike", "fragile"), OrderShipped)
    assert (order.history[-1].note, order.history[-1].internal_note) == ("by bike", "fragile")


@pytest.mark.parametrize(
    "command",
    [
        lambda order: order.ship(LATER),
        lambda order: order.deliver(LATER),
    ],
)
def test_an_unpaid_order_cannot_go_out(command: Callable[[Order], object]) -> None:
    with pytest.raises(InvalidOrderState, match="PENDING"):
        command(pending())


def test_what_is_shipped_cannot_be_cancelled() -> None:
    order = confirmed()
    order.ship(LATER)

    with pytest.raises(InvalidOrderState, match="SHIPPED and cannot become CANCELLED"):
        order.cancel(CancelReason.ADMIN, LATER)


def test_asking_for_the_status_it_has_changes_nothing() -> None:
    order = pending()
    order.cancel(CancelReason.CUSTOMER, LATER)

    assert order.cancel(CancelReason.ADMIN, LATER) is None
    assert (order.cancel_reason, order.version) == (CancelReason.CUSTOMER, 2)


_ARROWS = {
    (Status.PENDING, Status.CONFIRMED),
    (Status.PENDING, Status.CANCELLED),
    (Status.CONFIRMED, Status.SHIPPED),
    (Status.CONFIRMED, Status.CANCELLED),
    (Status.SHIPPED, Status.DELIVERED),
}


class OrderLifecycle(RuleBasedStateMachine):
    """Any commands and facts, in any order, any number of times."""

    def __init__(self) -> None:
        super().__init__()
        self.order = pending()
        self.facts: list[DomainEvent] = []
        self.now = NOW

    def note(self, fact: DomainEvent | None) -> None:
        if fact is not None:
            self.facts.append(fact)

    def command(self, give: Callable[[], DomainEvent | None]) -> None:
        before = (self.order.status, self.order.version)
        try:
            self.note(give())
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

    @rule(sold=st.booleans())
    def payment_succeeds(self, sold: bool) -> None:
        self.note(self.order.payment_succeeded(sold, self.now))

    @rule()
    def payment_fails(self) -> None:
        self.note(self.order.payment_failed("card_declined", self.now))

    @rule(minor=st.integers(0, 199_998))
    def money_goes_back(self, minor: int) -> None:
        self.note(self.order.refund(usd(minor), "", self.now))

    @rule(minutes=st.integers(1, 6))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.note(self.order.expire(self.now))

    @invariant()
    def the_history_follows_the_arrows_and_ends_at_the_status(self) -> None:
        path = [change.status for change in self.order.history]
        assert path[0] is Status.PENDING
        assert path[-1] is self.order.status
        assert set(pairwise(path)) <= _ARROWS

    @invariant()
    def each_transition_told_one_fact_that_carries_it(self) -> None:
        moves = [fact for fact in self.facts if not isinstance(fact, OrderRefunded)]
        assert [fact.order.status for fact in moves] == [change.status for change in self.order.history[1:]]
        assert [len(fact.order.history) for fact in moves] == list(range(2, len(self.order.history) + 1))

    @invariant()
    def each_version_is_told_once_and_the_last_is_the_order(self) -> None:
        assert [fact.order.version for fact in self.facts] == list(range(2, self.order.version + 1))
        assert not self.facts or self.facts[-1].order == self.order

    @invariant()
    def what_goes_back_never_falls(self) -> None:
        amounts = [fact.order.refunded.minor for fact in self.facts]
        assert amounts == sorted(amounts)

    @invariant()
    def only_cancelled_orders_have_a_reason(self) -> None:
        assert (self.order.status is Status.CANCELLED) == (self.order.cancel_reason is not None)

    @precondition(lambda self: self.now >= self.order.deadline)
    @invariant()
    def nothing_is_pending_past_its_deadline(self) -> None:
        assert self.order.status is not Status.PENDING


test_any_life_is_legal = OrderLifecycle.TestCase
