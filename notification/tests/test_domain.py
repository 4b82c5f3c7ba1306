"""The rules of notifications, by sentence."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.testing import FakeClock
from notification.domain import Failure, Notification, Status, Template
from notification.tests.fakes import about_order


def test_the_same_fact_always_has_the_same_notification() -> None:
    clock, account_id, order_id = FakeClock(), uuid4(), uuid4()
    first = about_order(clock, account_id, order_id=order_id)
    clock.advance(days=1)
    assert about_order(clock, account_id, order_id=order_id).id == first.id


def test_different_facts_have_different_notifications() -> None:
    clock, account_id, order_id = FakeClock(), uuid4(), uuid4()
    ids = {about_order(clock, account_id, order_id=order_id, template=each).id for each in Template}
    assert len(ids) == len(Template)
    first, second = (
        Notification.about_refund(uuid4(), order_id, account_id, {}, clock()).id for _ in range(2)
    )
    assert first != second


def test_a_sent_notification_is_never_due_again() -> None:
    clock = FakeClock()
    notification = about_order(clock, uuid4())
    notification.sent("john@souk.test", clock())
    assert (notification.status, notification.due_time, notification.send_time) == (
        Status.SENT,
        None,
        clock.now,
    )


def test_a_refused_notification_has_failed_and_is_never_due_again() -> None:
    notification = about_order(FakeClock(), uuid4())
    notification.failed("john@souk.test", Failure.REFUSED)
    assert (notification.status, notification.due_time) == (Status.FAILED, None)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 1), (2, 2), (3, 4), (10, 512), (11, 600), (10_000, 600)]
)
def test_each_pause_is_twice_as_long_up_to_ten_minutes(attempts: int, seconds: int) -> None:
    clock = FakeClock()
    notification = about_order(clock, uuid4())
    notification.attempts = attempts
    notification.delayed("john@souk.test", clock())
    assert notification.due_time == clock.now + timedelta(seconds=seconds)


@given(st.integers(0, 10_000), st.integers(0, 3 * 24 * 3600))
def test_within_three_days_nothing_is_given_up_and_everything_is_tried_again(attempts: int, age: int) -> None:
    clock = FakeClock()
    notification = about_order(clock, uuid4())
    notification.attempts = attempts
    clock.advance(seconds=age)
    notification.delayed("john@souk.test", clock())
    assert notification.status is Status.QUEUED
    assert notification.due_time
    assert notification.due_time > clock.now


def test_after_three_days_it_is_given_up() -> None:
    clock = FakeClock()
    notification = about_order(clock, uuid4())
    clock.advance(days=3, seconds=1)
    notification.delayed("john@souk.test", clock())
    assert (notification.status, notification.due_time) == (Status.FAILED, None)
    assert notification.failure is Failure.NOT_TAKEN
