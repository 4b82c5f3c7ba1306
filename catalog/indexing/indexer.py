"""Writes changed products to the index: reads their current rows, whatever the events said."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from catalog.indexing.ports import IndexSource, IndexWriter
from catalog.metrics import INDEX_LAG, INDEXED
from catalog.products.ports import ProductCache
from kit.values import Clock

# Each refresh creates a segment and invalidates all cached results.
_REFRESH_SECONDS = 0.5


class Indexer:
    """Indexes in batches: the next batch of events grows while one waits for its refresh."""

    def __init__(self, source: IndexSource, index: IndexWriter, cache: ProductCache, *, clock: Clock) -> None:
        self._source = source
        self._index = index
        self._cache = cache
        self._clock = clock
        self._last_refresh = 0.0

    async def reindex(self, changed: Mapping[UUID, datetime]) -> None:
        """Indexes products, given with the time of their last change; returns when searches see them.

        Idempotent. Raises SearchUnavailable.
        """
        ids = list(changed)
        # A concurrent reader may have cached the old product after its writer invalidated it.
        await self._cache.invalidate(*ids)
        await self._index.write(await self._source.rows(ids))
        await asyncio.sleep(self._last_refresh + _REFRESH_SECONDS - time.monotonic())
        await self._index.refresh()
        self._last_refresh = time.monotonic()
        INDEXED.inc(len(ids))
        now = self._clock()
        for time_of_change in changed.values():
            INDEX_LAG.observe((now - time_of_change).total_seconds())
