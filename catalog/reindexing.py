"""Making the index what the table is, all of it: anew behind its alias, or where they differ. Single changes are the indexer's.

The table is the truth, and documents carry their row's version, so whoever writes an older one changes nothing: rebuilding, repairing
and the indexer may meet. The time of a change is its transaction's beginning, so looking for changes goes back a little.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from catalog.domain import Product
from catalog.errors import ReindexRunning
from catalog.indexer import Indexer
from catalog.metrics import REPAIRED
from kit.telemetry import get_logger
from kit.values import Clock

log = get_logger(__name__)

Row = tuple[Product, bool, bool]

_CHUNK: Final = 500
# Longer than any transaction of ours lasts, and than news take to the index.
_LATE: Final = timedelta(seconds=60)
# A search is given up after 5 s.
_GRACE: Final = timedelta(seconds=6)


class Rows(Protocol):
    """The table, read for the index."""

    async def rows_for_index(self, ids: Sequence[UUID]) -> list[Row]:
        """Products as they are now, deleted ones too: with whether each lives, and whether it can be bought."""

    async def ids_after(self, after: UUID | None, limit: int) -> list[UUID]:
        """Ids of products, deleted ones too, in their order."""

    async def changed_since(self, time: datetime) -> list[UUID]:
        """Products that were changed, or ran out or came back, since then; those about to be told so too."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Whether nobody else is in such a block now, on any replica."""


class Index(Protocol):
    """The index, as a whole."""

    async def begin(self) -> str:
        """Makes an empty index that nobody searches yet."""

    async def write(self, rows: Sequence[Row], *, index: str | None = None) -> None:
        """Writes the living, removes the deleted; to the index that is searched, or to another."""

    async def show(self) -> None:
        """Makes what was written visible, and searches answered before out of date."""

    async def adopt(self, index: str) -> None:
        """From now on that index is searched and written."""

    async def clear(self) -> None:
        """Removes what is not searched any more."""

    async def read(self, ids: Sequence[UUID]) -> Mapping[UUID, tuple[Product, bool]]:
        """What the index has of products, and whether each can be bought."""


class Reindexer:
    """Rebuilds and repairs the index while products are changed, bought and searched."""

    def __init__(
        self, rows: Rows, index: Index, indexer: Indexer, *, clock: Clock, grace: timedelta = _GRACE
    ) -> None:
        """`grace`: how long searches of the old index have to end."""
        self._rows = rows
        self._index = index
        self._indexer = indexer
        self._clock = clock
        self._grace = grace.total_seconds()

    async def rebuild(self) -> int:
        """Makes a new index of the table and puts it in the old one's place; answers how many products were looked at.

        Raises ReindexRunning, SearchUnavailable; what was begun then is removed by the next one.
        """
        async with self._rows.alone() as alone:
            if not alone:
                raise ReindexRunning()
            since, count = self._clock(), 0
            fresh = await self._index.begin()
            async for ids in self._pages():
                await self._index.write(await self._rows.rows_for_index(ids), index=fresh)
                count += len(ids)
            # What changed meanwhile went to the old index: once before the new one is searched, so that it is hardly behind, and
            # once after, when nobody writes to the old one any more.
            since = await self._catch_up(since, fresh)
            await self._index.adopt(fresh)
            await self._catch_up(since, None)
            await self._index.show()
            await asyncio.sleep(self._grace)
            await self._index.clear()
            log.info("reindex.done", index=fresh, products=count)
        await self.repair(settled=timedelta(0))
        return count

    async def repair(self, settled: timedelta = _LATE) -> int:
        """Looks again at every product that the index has otherwise than the table; answers how many those were.

        What changed within `settled` is left out: its news may be on their way. None while somebody rebuilds or repairs.
        """
        async with self._rows.alone() as alone:
            if not alone:
                return 0
            count = 0
            async for ids in self._pages():
                differing = await self._differing(ids)
                if differing and settled:
                    recent = set(await self._rows.changed_since(self._clock() - settled))
                    differing = [product_id for product_id in differing if product_id not in recent]
                if differing:
                    await self._indexer.look_at(dict.fromkeys(differing, self._clock()))
                    count += len(differing)
        if count:
            REPAIRED.inc(count)
            log.warning("index.repaired", products=count)
        return count

    async def check(self) -> None:
        """Repairs, as a sweep."""
        await self.repair()

    async def _differing(self, ids: Sequence[UUID]) -> list[UUID]:
        known = await self._index.read(ids)
        return [
            product.id
            for product, lives, available in await self._rows.rows_for_index(ids)
            if known.get(product.id) != ((product, available) if lives else None)
        ]

    async def _catch_up(self, since: datetime, index: str | None) -> datetime:
        """Writes what has changed since then, and answers since when it may have changed again."""
        now = self._clock()
        changed = await self._rows.changed_since(since - _LATE)
        for start in range(0, len(changed), _CHUNK):
            rows = await self._rows.rows_for_index(changed[start : start + _CHUNK])
            await self._index.write(rows, index=index)
        return now

    async def _pages(self) -> AsyncIterator[list[UUID]]:
        after: UUID | None = None
        while ids := await self._rows.ids_after(after, _CHUNK):
            yield ids
            after = ids[-1]
