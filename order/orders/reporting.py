"""Metrics and log entries of domain events, recorded after their transaction has committed or is about to."""

from collections.abc import Sequence

from kit.telemetry import get_logger
from kit.values import ORDER
from order.metrics import ORDERS, REVENUE
from order.orders.domain import DomainEvent, OrderCancelled, OrderConfirmed

log = get_logger(__name__)


def record_metrics_and_log(events: Sequence[DomainEvent]) -> None:
    """Counts and logs each event by its outcome, such as confirmed or cancelled_payment_failed."""
    for event in events:
        order = event.order
        outcome = type(event).__name__.removeprefix("Order").lower()
        if isinstance(event, OrderCancelled):
            outcome += f"_{order.cancel_reason}".lower()
        if isinstance(event, OrderConfirmed):
            REVENUE.labels(order.total.currency).inc(order.total.minor)
        ORDERS.labels(outcome).inc()
        log.info(f"order.{outcome}", order_id=ORDER.format(order.id))
