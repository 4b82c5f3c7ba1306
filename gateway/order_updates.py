"""Wakes subscriptions on this replica when their order may have changed; the order itself is then read from its service."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from souk.payment.v1.events_pb2 import PaymentActionRequired

from gateway.metrics import ORDER_SUBSCRIPTIONS
from kit.events import Event


class OrderChange(asyncio.Event):
    """Set when the order may have changed. `payment`: its payment waits for the buyer, which does not change the order's version."""

    payment = False

    def clear(self) -> None:
        """Resets the event and `payment`."""
        super().clear()
        self.payment = False


class OrderUpdates:
    """The subscriptions to each order."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[OrderChange]] = defaultdict(set)

    def on_order_event(self, order_ids: Collection[str] | None) -> None:
        """Wakes the subscriptions to these orders; None: to all, because events may have been missed."""
        for order_id in self._watchers if order_ids is None else self._watchers.keys() & set(order_ids):
            for change in self._watchers[order_id]:
                change.set()

    def on_payment_event(self, event: Event[PaymentActionRequired]) -> None:
        """Wakes the subscriptions to the payment's order."""
        for change in self._watchers.get(event.body.payment.order_id, ()):
            change.payment = True
            change.set()

    @contextmanager
    def watch(self, order_id: str) -> Iterator[OrderChange]:
        """An event that is set whenever the order may have changed. Clear it before reading the order."""
        change = OrderChange()
        self._watchers[order_id].add(change)
        ORDER_SUBSCRIPTIONS.inc()
        try:
            yield change
        finally:
            ORDER_SUBSCRIPTIONS.dec()
            self._watchers[order_id].discard(change)
            if not self._watchers[order_id]:
                del self._watchers[order_id]
