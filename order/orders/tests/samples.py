"""Orders to start from, and the times of their tests."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from kit.values import Money
from order.lines.domain import Line
from order.orders.domain import Order, OrderPlaced, Schedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
PENDING_TIME = timedelta(minutes=10)
MARGIN = timedelta(minutes=2)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def placed(*lines: Line) -> OrderPlaced:
    order_lines = lines or (Line(uuid4(), "Laptop", usd(99_999), 2),)
    schedule = Schedule.of(NOW, PENDING_TIME, NOW + timedelta(minutes=15))
    return Order.place(uuid4(), 1042, uuid4(), order_lines, None, "pm_card_visa", schedule, NOW)


def pending() -> Order:
    return placed().order


def confirmed() -> Order:
    order = pending()
    order.payment_succeeded(True, NOW)
    return order
