"""Keeps the index like the table: looks again at products that something happened to. It decides nothing by what an event says."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from catalog.domain import Product
from catalog.metrics import INDEX_LAG, INDEXED
from catalog.ports import ProductCache
from kit.values import Clock

# Each refresh makes a segment, and every cached search out of date.
_REFRESH_SECONDS = 0.5


class Rows(Protocol):
    """The table, read for the index."""

    async def rows_for_index(self, ids: Sequence[UUID]) -> list[tuple[Product, bool, bool]]:
        """Products as they are now, deleted ones too: with whether each lives, and whether it can be bought."""


class Index(Protocol):
    """The index, written."""

    async def write(self, rows: Sequence[tuple[Product, bool, bool]]) -> None:
        """Writes the living, removes the deleted; an older version changes nothing."""

    async def show(self) -> None:
        """Makes what was written visible, and searches answered before out of date."""


class Indexer:
    """Reads and writes many at once, and returns when searches see what was written; so a batch grows while one waits."""

    def __init__(self, rows: Rows, index: Index, cache: ProductCache, *, clock: Clock) -> None:
        self._rows = rows
        self._index = index
        self._cache = cache
        self._clock = clock
        self._shown = 0.0

    async def look_at(self, changed: Mapping[UUID, datetime]) -> None:
        """Products, each with the time of what happened to it last. Raises SearchUnavailable; may be repeated."""
        wanted = list(changed)
        # A reader may have put the product as it was back into the cache after its writer took it out.
        await self._cache.forget(*wanted)
        await self._index.write(await self._rows.rows_for_index(wanted))
        await asyncio.sleep(self._shown + _REFRESH_SECONDS - time.monotonic())
        await self._index.show()
        self._shown = time.monotonic()
        INDEXED.inc(len(wanted))
        now = self._clock()
        for time_of_change in changed.values():
            INDEX_LAG.observe((now - time_of_change).total_seconds())
