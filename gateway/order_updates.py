"""Who waits for which order to change, on this replica. What changed is asked of the order service; here is only that it did."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from gateway.metrics import WATCHED


class OrderUpdates:
    """Wakes those who watch an order."""

    def __init__(self) -> None:
        self._watching: dict[str, set[asyncio.Event]] = defaultdict(set)

    def changed(self, order_ids: Collection[str] | None) -> None:
        """These orders changed; None: any may have."""
        for order_id in self._watching if order_ids is None else self._watching.keys() & set(order_ids):
            for event in self._watching[order_id]:
                event.set()

    @contextmanager
    def watch(self, order_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the order may have changed; to be cleared before the order is read."""
        event = asyncio.Event()
        self._watching[order_id].add(event)
        WATCHED.inc()
        try:
            yield event
        finally:
            WATCHED.dec()
            self._watching[order_id].discard(event)
            if not self._watching[order_id]:
                del self._watching[order_id]
