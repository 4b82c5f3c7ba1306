"""Consumes the catalog's own events to update the index. An event only says which product to read again."""

from collections.abc import Sequence
from typing import Any, Final

from souk.catalog.v1 import events_pb2 as catalog

from catalog.indexing.indexer import Indexer
from kit.events import BatchSubscription, Event
from kit.values import PRODUCT

_EVENTS: Final = (
    catalog.ProductCreated,
    catalog.ProductUpdated,
    catalog.ProductDeleted,
    catalog.ProductAvailabilityChanged,
)


def index_subscription(indexer: Indexer) -> BatchSubscription:
    """All events of souk.catalog.v1, in the consumer group `catalog.indexer`."""

    async def on_batch(events: Sequence[Event[Any]]) -> None:
        await indexer.reindex({PRODUCT.parse(event.key, "key"): event.time for event in events})

    return BatchSubscription("souk.catalog.v1", "indexer", _EVENTS, on_batch)
