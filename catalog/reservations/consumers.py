"""Consumes souk.order.v1: a cancelled order returns its stock."""

from collections.abc import Sequence

from souk.order.v1 import events_pb2 as order

from catalog.reservations.use_cases import Reservations
from kit.db import Transaction
from kit.events import BatchHandler, Event, Subscription
from kit.values import ORDER


class OrderEvents:
    """Handlers of order events."""

    def __init__(self, reservations: Reservations) -> None:
        self._reservations = reservations

    def subscription(self) -> Subscription:
        """The handled events."""
        return Subscription("souk.order.v1", {order.OrderCancelled: BatchHandler(self.orders_cancelled)})

    async def orders_cancelled(self, tx: Transaction, events: Sequence[Event[order.OrderCancelled]]) -> None:
        """Returns what the orders hold or bought."""
        order_ids = [ORDER.parse(event.body.order.id, "order", "id") for event in events]
        await self._reservations.release_cancelled(tx, order_ids)
