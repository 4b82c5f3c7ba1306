"""What the catalog listens to: ended orders, which give their stock back, and its own facts, which feed the index."""

from collections.abc import Sequence
from typing import Any

from souk.catalog.v1 import events_pb2 as catalog
from souk.order.v1 import events_pb2 as order

from catalog.indexer import Indexer
from catalog.stock_use_cases import Stock
from kit.db import Transaction
from kit.events import BatchHandler, BatchSubscription, Event, Subscription
from kit.values import ORDER, PRODUCT

_CHANGES = (
    catalog.ProductCreated,
    catalog.ProductUpdated,
    catalog.ProductDeleted,
    catalog.ProductAvailabilityChanged,
)


class OrderEvents:
    """Reactions to souk.order.v1."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    def subscription(self) -> Subscription:
        """Which reaction belongs to which fact."""
        return Subscription("souk.order.v1", {order.OrderCancelled: BatchHandler(self.orders_cancelled)})

    async def orders_cancelled(self, tx: Transaction, events: Sequence[Event[order.OrderCancelled]]) -> None:
        """OrderCancelled."""
        order_ids = [ORDER.parse(event.body.order.id, "order", "id") for event in events]
        await self._stock.orders_cancelled(tx, order_ids)


def index_subscription(indexer: Indexer) -> BatchSubscription:
    """Feeds the index; a fact is only a hint to look at its product again."""

    async def on_batch(events: Sequence[Event[Any]]) -> None:
        await indexer.look_at({PRODUCT.parse(event.key, "key"): event.time for event in events})

    return BatchSubscription("souk.catalog.v1", "indexer", _CHANGES, on_batch)
