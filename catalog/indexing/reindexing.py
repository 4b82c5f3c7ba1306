"""Full rebuild of the index behind its alias, and repair of drift between index and tables.

Safe to run concurrently with the indexer: documents carry their row's version, and an older version never replaces a newer one.
A row's `update_time` is the start of its transaction, so queries for changes look back by `_MAX_LAG`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from catalog.indexing.errors import ReindexRunning
from catalog.indexing.indexer import Indexer
from catalog.indexing.ports import Index, IndexSource
from catalog.metrics import REPAIRED
from kit.telemetry import get_logger
from kit.values import Clock

log = get_logger(__name__)

_BATCH_SIZE: Final = 500
# Longer than any transaction of this service, and than indexing usually lags behind.
_MAX_LAG: Final = timedelta(seconds=60)
# Searches time out after 5 s.
_SEARCH_GRACE: Final = timedelta(seconds=6)


class Reindexer:
    """Rebuilds and repairs the index while products are changed, bought and searched."""

    def __init__(
        self,
        source: IndexSource,
        index: Index,
        indexer: Indexer,
        *,
        clock: Clock,
        grace: timedelta = _SEARCH_GRACE,
    ) -> None:
        """`grace`: how long searches of the old index may take to finish before it is deleted."""
        self._source = source
        self._index = index
        self._indexer = indexer
        self._clock = clock
        self._grace = grace.total_seconds()

    async def rebuild(self) -> int:
        """Builds a new index from the tables and replaces the old one; returns the number of products, deleted ones included.

        Raises ReindexRunning, SearchUnavailable. An index that it leaves unfinished is deleted by the next rebuild.
        """
        async with self._source.try_exclusive_lock() as locked:
            if not locked:
                raise ReindexRunning()
            start = self._clock()
            index = await self._index.create_generation()
            count = await self._fill(index)
            # Changes since the start went to the old index. The first catch-up keeps the gap at the switch small;
            # the second one closes it, as writes now go to the new index.
            caught_up = await self._catch_up(start, index)
            await self._index.switch_alias(index)
            await self._catch_up(caught_up, None)
            await self._index.refresh()
            await asyncio.sleep(self._grace)
            await self._index.delete_old_generations()
            log.info("reindex.completed", index=index, products=count)
        await self.repair(settled=timedelta(0))
        return count

    async def repair(self, settled: timedelta = _MAX_LAG) -> int:
        """Indexes every product whose document differs from the tables; returns how many.

        Products that changed within `settled` are left to the indexer. Does nothing if another process rebuilds or repairs.
        """
        async with self._source.try_exclusive_lock() as locked:
            if not locked:
                return 0
            count = 0
            async for ids in self._pages():
                drifted = await self._find_drift(ids, settled)
                if drifted:
                    await self._indexer.reindex(dict.fromkeys(drifted, self._clock()))
                    count += len(drifted)
        if count:
            REPAIRED.inc(count)
            log.warning("index.repaired", products=count)
        return count

    async def check(self) -> None:
        """The periodic repair."""
        await self.repair()

    async def _fill(self, index: str) -> int:
        count = 0
        async for ids in self._pages():
            await self._index.write(await self._source.rows(ids), index=index)
            count += len(ids)
        return count

    async def _find_drift(self, ids: Sequence[UUID], settled: timedelta) -> list[UUID]:
        indexed = await self._index.read(ids)
        drifted = [
            row.product.id
            for row in await self._source.rows(ids)
            if indexed.get(row.product.id) != (row.state if row.is_active else None)
        ]
        if drifted and settled:
            recent = set(await self._source.changed_since(self._clock() - settled))
            return [product_id for product_id in drifted if product_id not in recent]
        return drifted

    async def _catch_up(self, since: datetime, index: str | None) -> datetime:
        """Writes the products that changed since then; returns the time up to which this is complete."""
        now = self._clock()
        changed = await self._source.changed_since(since - _MAX_LAG)
        for start in range(0, len(changed), _BATCH_SIZE):
            rows = await self._source.rows(changed[start : start + _BATCH_SIZE])
            await self._index.write(rows, index=index)
        return now

    async def _pages(self) -> AsyncIterator[list[UUID]]:
        after: UUID | None = None
        while ids := await self._source.ids_after(after, _BATCH_SIZE):
            yield ids
            after = ids[-1]
