"""Rules of orders, one by one."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from kit.values import MixedCurrency, Money
from order.lines.domain import Line
from order.orders.domain import (
    CancelReason,
    Order,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderRefunded,
    OrderShipped,
    Schedule,
    Status,
)
from order.orders.errors import InvalidOrderState
from order.orders.tests.samples import LATER, MARGIN, NOW, PENDING_TIME, confirmed, pending, placed, usd


def test_a_new_order_is_pending_and_its_total_is_the_sum_of_its_lines() -> None:
    order = placed(Line(uuid4(), "Laptop", usd(99_999), 2), Line(uuid4(), "Mug", usd(999), 3)).order

    assert order.status is Status.PENDING
    assert order.total == usd(202_995)
    assert order.refunded == usd(0)
    assert [change.status for change in order.history] == [Status.PENDING]
    assert order.version == 1


def test_an_order_has_one_currency() -> None:
    with pytest.raises(MixedCurrency):
        placed(Line(uuid4(), "Laptop", usd(1), 1), Line(uuid4(), "Uhr", Money(1, "CHF"), 1))


def test_charging_must_start_before_the_order_is_cancelled() -> None:
    event = placed()

    assert event.order.deadline == NOW + PENDING_TIME
    assert event.pay_before == event.order.deadline - MARGIN


def test_the_deadline_of_an_order_is_never_after_its_reservation_expires() -> None:
    expires = NOW + timedelta(minutes=5)

    assert Schedule.of(NOW, PENDING_TIME, expires) == Schedule(expires - MARGIN, expires)


def test_a_paid_order_with_committed_stock_is_confirmed() -> None:
    order = pending()

    event = order.payment_succeeded(True, LATER)

    assert isinstance(event, OrderConfirmed)
    assert event.order == order
    assert (order.status, order.version, order.update_time) == (Status.CONFIRMED, 2, LATER)


def test_a_paid_order_whose_reservation_expired_is_cancelled() -> None:
    order = pending()

    assert isinstance(order.payment_succeeded(False, LATER), OrderCancelled)
    assert order.cancel_reason is CancelReason.RESERVATION_EXPIRED


def test_an_order_with_a_declined_payment_is_cancelled_with_the_failure_code() -> None:
    order = pending()

    assert isinstance(order.payment_failed("card_declined", LATER), OrderCancelled)
    assert (order.cancel_reason, order.status_reason) == (CancelReason.PAYMENT_FAILED, "card_declined")


def test_an_unpaid_order_is_cancelled_at_its_deadline_and_not_before() -> None:
    order = pending()

    assert order.expire(order.deadline - timedelta(milliseconds=1)) is None
    assert isinstance(order.expire(order.deadline), OrderCancelled)
    assert order.cancel_reason is CancelReason.PAYMENT_TIMEOUT


def test_an_event_is_a_snapshot_of_the_order() -> None:
    order = pending()
    event = order.payment_succeeded(True, LATER)
    order.ship(LATER)

    assert event is not None
    assert event.order.status is Status.CONFIRMED


def test_a_full_refund_cancels_a_confirmed_order() -> None:
    order = confirmed()

    assert isinstance(order.refund(order.total, "damaged", LATER), OrderCancelled)
    assert (order.status_reason, order.refunded) == ("damaged", order.total)


def test_a_partial_refund_is_recorded_and_does_not_change_the_status() -> None:
    order = confirmed()

    event = order.refund(usd(100), "", LATER)

    assert isinstance(event, OrderRefunded)
    assert event.order == order
    assert (order.status, order.refunded, order.version) == (Status.CONFIRMED, usd(100), 3)


def test_a_late_event_of_an_earlier_refund_is_ignored() -> None:
    order = confirmed()
    order.refund(usd(200), "", LATER)

    assert order.refund(usd(100), "", LATER) is None
    assert (order.refunded, order.version) == (usd(200), 3)


def test_a_full_refund_of_a_shipped_order_does_not_change_its_status() -> None:
    order = confirmed()
    order.ship(LATER)

    assert isinstance(order.refund(order.total, "", LATER), OrderRefunded)
    assert (order.status, order.refunded) == (Status.SHIPPED, order.total)


def test_a_full_refund_that_arrives_before_its_payment_cancels_the_order() -> None:
    order = pending()

    assert isinstance(order.refund(order.total, "damaged", LATER), OrderCancelled)
    assert order.payment_succeeded(True, LATER) is None
    assert order.status is Status.CANCELLED


def test_a_refund_of_a_cancelled_order_does_not_change_its_status() -> None:
    order = confirmed()
    order.cancel(CancelReason.CUSTOMER, LATER, "changed my mind")

    assert isinstance(order.refund(order.total, "requested_by_customer", LATER), OrderRefunded)
    assert (order.cancel_reason, order.status_reason) == (CancelReason.CUSTOMER, "changed my mind")


def test_a_cancellation_shows_its_text_in_the_history() -> None:
    order = confirmed()

    event = order.cancel(CancelReason.CUSTOMER, LATER, "changed my mind")

    assert isinstance(event, OrderCancelled)
    assert (order.history[-1].note, order.status_reason) == ("changed my mind", "changed my mind")
    assert order.history[-1].internal_note == ""


def test_an_order_is_shipped_and_delivered_once() -> None:
    order = confirmed()

    assert isinstance(order.ship(LATER, "by bike"), OrderShipped)
    assert order.ship(LATER, "by car") is None
    assert isinstance(order.deliver(LATER), OrderDelivered)
    assert order.deliver(LATER) is None
    assert [change.note for change in order.history] == ["", "", "by bike", ""]
    with pytest.raises(InvalidOrderState, match="DELIVERED and cannot become SHIPPED"):
        order.ship(LATER)


def test_shipping_stores_both_notes() -> None:
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
def test_an_unpaid_order_cannot_be_shipped(command: Callable[[Order], object]) -> None:
    with pytest.raises(InvalidOrderState, match="PENDING"):
        command(pending())


def test_a_shipped_order_cannot_be_cancelled() -> None:
    order = confirmed()
    order.ship(LATER)

    with pytest.raises(InvalidOrderState, match="SHIPPED and cannot become CANCELLED"):
        order.cancel(CancelReason.ADMIN, LATER)


def test_a_command_for_the_current_status_changes_nothing() -> None:
    order = pending()
    order.cancel(CancelReason.CUSTOMER, LATER)

    assert order.cancel(CancelReason.ADMIN, LATER) is None
    assert (order.cancel_reason, order.version) == (CancelReason.CUSTOMER, 2)
