"""Wakes subscriptions on this replica when their order may have changed; the order itself is then read from its service."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from gateway.metrics import ORDER_SUBSCRIPTIONS


class OrderUpdates:
    """The subscriptions to each order."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = defaultdict(set)

    def on_order_event(self, order_ids: Collection[str] | None) -> None:
        """Wakes the subscriptions to these orders; None: to all, because events may have been missed."""
        for order_id in self._watchers if order_ids is None else self._watchers.keys() & set(order_ids):
            for event in self._watchers[order_id]:
                event.set()

    @contextmanager
    def watch(self, order_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the order may have changed. Clear it before reading the order."""
        event = asyncio.Event()
        self._watchers[order_id].add(event)
        ORDER_SUBSCRIPTIONS.inc()
        try:
            yield event
        finally:
            ORDER_SUBSCRIPTIONS.dec()
            self._watchers[order_id].discard(event)
            if not self._watchers[order_id]:
                del self._watchers[order_id]
