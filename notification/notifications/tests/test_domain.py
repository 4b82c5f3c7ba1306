"""The rules of notifications."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.testing import FakeClock
from notification.notifications.domain import Failure, Notification, Status, Template
from notification.notifications.tests.fakes import about_order


def test_the_same_event_always_has_the_same_notification() -> None:
    clock, account_id, order_id = FakeClock(), uuid4(), uuid4()
    first = about_order(clock, account_id, order_id=order_id)
    clock.advance(days=1)
    assert about_order(clock, account_id, order_id=order_id).id == first.id


def test_different_events_have_different_notifications() -> None:
    clock, account_id, order_id = FakeClock(), uuid4(), uuid4()
    ids = {about_order(clock, account_id, order_id=order_id, template=template).id for template in Template}
    assert len(ids) == len(Template)
    first, second = (
        Notification.about_refund(uuid4(), order_id, account_id, {}, clock()).id for _ in range(2)
    )
    assert first != second


def test_a_sent_notification_is_never_due_again() -> None:
    clock = FakeClock()
    notification = about_order(clock, uuid4())
    notification.mark_sent("john@souk.test", clock())
    assert (notification.status, notification.due_time, notification.send_time) == (
        Status.SENT,
        None,
        clock.now,
    )


def test_a_rejected_notification_has_failed_and_is_never_due_again() -> None:
    notification = about_order(FakeClock(), uuid4())
    notification.fail("john@souk.test", Failure.REJECTED)
    assert (notification.status, notification.due_time) == (Status.FAILED, None)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 1), (2, 2), (3, 4), (10, 512), (11, 600), (10_000, 600)]
)
def test_each_delay_is_twice_as_long_up_to_ten_minutes(attempts: int, seconds: int) -> None:
    clock = FakeClock()
    notification = about_order(clock, uuid4())
    notification.attempts = attempts
    notification.schedule_retry("john@souk.test", clock())
    assert notification.due_time == clock.now + timedelta(seconds=seconds)


@given(st.integers(0, 10_000), st.integers(0, 3 * 24 * 3600))
def test_within_three_days_a_notification_is_always_retried(attempts: int, age: int) -> None:
    clock = FakeClock()
    notification = about_order(clock, uuid4())
    notification.attempts = attempts
    clock.advance(seconds=age)
    notification.schedule_retry("john@souk.test", clock())
    assert notification.status is Status.QUEUED
    assert notification.due_time
    assert notification.due_time > clock.now


def test_after_three_days_it_fails() -> None:
    clock = FakeClock()
    notification = about_order(clock, uuid4())
    clock.advance(days=3, seconds=1)
    notification.schedule_retry("john@souk.test", clock())
    assert (notification.status, notification.due_time) == (Status.FAILED, None)
    assert notification.failure is Failure.DELIVERY_TIMED_OUT
