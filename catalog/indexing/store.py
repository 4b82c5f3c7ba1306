"""Reads products with their availability for the index."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.indexing.domain import IndexRow
from catalog.products.store import product_from_row
from kit.db import Database, Record, try_exclusive_lock

_ROWS: Final = """
SELECT p.*, c.slug AS category_slug, c.name AS category_name, v.in_stock, v.skus,
    CASE WHEN p.options = '[]' THEN coalesce(s.free > 0, true) ELSE v.in_stock IS NOT NULL END AS available
FROM products p LEFT JOIN categories c ON c.id = p.category_id LEFT JOIN stock s ON s.product_id = p.id
LEFT JOIN LATERAL (
    SELECT array_agg(v.option_values ORDER BY v.position) FILTER (WHERE coalesce(t.free > 0, true)) AS in_stock,
        array_agg(v.sku ORDER BY v.position) FILTER (WHERE v.sku IS NOT NULL) AS skus
    -- LIMIT: looks up each variant's stock instead of joining the whole table.
    FROM variants v LEFT JOIN LATERAL (SELECT free FROM stock WHERE product_id = v.id LIMIT 1) t ON true
    WHERE p.options <> '[]' AND v.product_id = p.id AND v.delete_time IS NULL
) v ON true
WHERE p.id = ANY($1::uuid[])
"""

_IDS: Final = "SELECT id FROM products WHERE id > $1 ORDER BY id LIMIT $2"
# Changes of availability: published ones by time, and all that are still queued.
_CHANGED: Final = """
SELECT id FROM products WHERE update_time >= $1
UNION SELECT coalesce((SELECT v.product_id FROM variants v WHERE v.id = t.product_id), t.product_id)
FROM availability_told t WHERE told_time >= $1
UNION SELECT coalesce((SELECT v.product_id FROM variants v WHERE v.id = c.product_id), c.product_id) FROM availability_changes c
"""
_LOCK_KEY: Final = 0x52494E44  # any number; advisory locks are per database


class PostgresIndexSource:
    """`ports.IndexSource` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def rows(self, ids: Sequence[UUID]) -> list[IndexRow]:
        """Products as they are now, deleted ones included."""
        return [_row(row) for row in await self._db.fetch(_ROWS, list(ids))]

    async def ids_after(self, after: UUID | None, limit: int) -> list[UUID]:
        """A page of all products' ids, in order."""
        return [row["id"] for row in await self._db.fetch(_IDS, after or UUID(int=0), limit)]

    async def changed_since(self, time: datetime) -> list[UUID]:
        """Products that changed, or whose availability changed or is about to be published as changed."""
        return [row["id"] for row in await self._db.fetch(_CHANGED, time)]

    @asynccontextmanager
    async def try_exclusive_lock(self) -> AsyncIterator[bool]:
        """An advisory lock on a connection of its own."""
        async with try_exclusive_lock(self._db.url, "souk-reindex", _LOCK_KEY) as held:
            yield held


def _row(row: Record) -> IndexRow:
    return IndexRow(
        product_from_row(row),
        row["delete_time"] is None,
        row["available"],
        tuple(map(tuple, row["in_stock"] or ())),
        tuple(row["skus"] or ()),
    )
