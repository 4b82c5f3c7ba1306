"""Reads and writes `stock`, `stock_adjustments` and the queue of availability changes. Reservations also take and return stock.

`product_id` is the id of a variant in all of these tables.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.stock.domain import Action, Adjustment
from kit.db import Database, Record, Transaction, UniqueViolation, transpose
from kit.errors import IdempotencyConflict

# $10 is the new free stock, NULL if it is no longer tracked; $9 whether availability changed.
_WRITE: Final = """
WITH written AS (
    INSERT INTO stock (product_id, free) SELECT $2, $10::bigint WHERE $10::bigint IS NOT NULL
    ON CONFLICT (product_id) DO UPDATE SET free = EXCLUDED.free
), deleted AS (
    DELETE FROM stock WHERE product_id = $2 AND $10::bigint IS NULL
), availability_changed AS (
    INSERT INTO availability_changes (product_id) SELECT $2 WHERE $9
)
INSERT INTO stock_adjustments (id, product_id, action, delta, reason, actor_id, create_time, input_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_START: Final = """
WITH new AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS n(id, product_id, free)), tracked AS (
    INSERT INTO stock (product_id, free) SELECT product_id, free FROM new
)
INSERT INTO stock_adjustments (id, product_id, action, delta, reason, actor_id, create_time, input_hash)
SELECT id, product_id, $4, free, $5, $6, $7, '' FROM new
"""
# LIMIT: looks up each variant's stock instead of joining the whole table.
_SUMS: Final = """
SELECT v.product_id, sum(s.free)::bigint AS free, bool_or(coalesce(s.free > 0, true)) AS available
FROM variants v LEFT JOIN LATERAL (SELECT free FROM stock WHERE product_id = v.id LIMIT 1) s ON true
WHERE v.product_id = ANY($1::uuid[]) AND v.delete_time IS NULL GROUP BY v.product_id
"""
# LIMIT: a product is read up to its first variant that can be bought.
_ANY_AVAILABLE: Final = """
SELECT p.id FROM unnest($1::uuid[]) AS p(id), LATERAL (
    SELECT FROM variants v LEFT JOIN LATERAL (SELECT free FROM stock WHERE product_id = v.id LIMIT 1) s ON true
    WHERE v.product_id = p.id AND v.delete_time IS NULL AND coalesce(s.free > 0, true) LIMIT 1
) AS available
"""
_ADJUSTMENTS: Final = (
    "SELECT id, product_id, action, delta, reason, actor_id, create_time, input_hash FROM stock_adjustments"
)

# Changes that commit concurrently are not deleted: the next run publishes them.
_POP_AVAILABILITY_CHANGES: Final = """
WITH due AS MATERIALIZED (
    SELECT c.product_id FROM availability_changes c LEFT JOIN availability_told t USING (product_id)
    WHERE coalesce(t.told_time <= $2::timestamptz - interval '1 second', true)
    GROUP BY c.product_id ORDER BY min(c.id) LIMIT $1
), deleted AS (
    DELETE FROM availability_changes WHERE product_id IN (SELECT product_id FROM due)
), recorded AS (
    INSERT INTO availability_told (product_id, told_time) SELECT product_id, $2 FROM due
    ON CONFLICT (product_id) DO UPDATE SET told_time = EXCLUDED.told_time
)
SELECT product_id, coalesce(stock.free > 0, true) AS available FROM due LEFT JOIN stock USING (product_id)
"""
# Only one replica publishes at a time.
_PUBLISHER_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtext('catalog.availability'))"


class PostgresStockStore:
    """`ports.StockStore` and `products.ports.StockLevels` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def free(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        """Free stock of the tracked variants among the ids."""
        sql = "SELECT product_id, free FROM stock WHERE product_id = ANY($1::uuid[])"
        return {row["product_id"]: row["free"] for row in await self._db.fetch(sql, list(ids))}

    async def sums(
        self, product_ids: Sequence[UUID], *, quantities: bool = True
    ) -> dict[UUID, tuple[int | None, bool]]:
        """Over each product's variants, in one statement. Without `quantities`, only products that can be bought."""
        if not quantities:
            rows = await self._db.fetch(_ANY_AVAILABLE, list(product_ids))
            return {row["id"]: (None, True) for row in rows}
        rows = await self._db.fetch(_SUMS, list(product_ids))
        return {row["product_id"]: (row["free"], row["available"]) for row in rows}

    async def products_of(self, tx: Transaction, variant_ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """The product of each variant."""
        sql = "SELECT id, product_id FROM variants WHERE id = ANY($1::uuid[])"
        return {row["id"]: row["product_id"] for row in await tx.fetch(sql, list(variant_ids))}

    async def start_tracking_all(
        self, tx: Transaction, free: Mapping[UUID, int], actor_id: UUID, now: datetime
    ) -> None:
        """Gives new variants their first stock, in one statement."""
        initial = [Adjustment.initial(variant_id, units, actor_id, now) for variant_id, units in free.items()]
        columns = transpose(((a.id, a.product_id, a.delta) for a in initial), 3)
        await tx.execute(_START, *columns, Action.CREATE, initial[0].reason, actor_id, now)

    async def start_tracking(
        self, tx: Transaction, product_id: UUID, free: int, actor_id: UUID, now: datetime
    ) -> None:
        """Gives a new product its first stock."""
        initial = Adjustment.initial(product_id, free, actor_id, now)
        await self.write(tx, initial, before=None, after=free)

    async def lock(self, tx: Transaction, product_id: UUID) -> int | None:
        """The free stock, locked until the transaction ends; None if it is not tracked."""
        sql = "SELECT free FROM stock WHERE product_id = $1 FOR UPDATE"
        free: int | None = await tx.fetchval(sql, product_id)
        return free

    async def write(
        self, tx: Transaction, adjustment: Adjustment, *, before: int | None, after: int | None
    ) -> None:
        """Records an adjustment and sets the free stock; raises IdempotencyConflict."""
        a = adjustment
        args = (a.id, a.product_id, a.action, a.delta, a.reason, a.actor_id, a.create_time, a.input_hash)
        try:
            await tx.execute(_WRITE, *args, a.changes_availability(before, after), after)
        except UniqueViolation as error:
            raise IdempotencyConflict() from error

    async def adjustment(self, tx: Transaction, adjustment_id: UUID) -> Adjustment | None:
        """An adjustment by its id."""
        row = await tx.fetchrow(f"{_ADJUSTMENTS} WHERE id = $1", adjustment_id)
        return _adjustment(row) if row else None

    async def list_adjustments(self, product_id: UUID) -> list[Adjustment]:
        """All adjustments of a product, oldest first."""
        sql = f"{_ADJUSTMENTS} WHERE product_id = $1 ORDER BY create_time, id"
        return [_adjustment(row) for row in await self._db.fetch(sql, product_id)]

    async def pop_availability_changes(self, tx: Transaction, limit: int, now: datetime) -> dict[UUID, bool]:
        """Removes changes from the queue; empty while another replica publishes."""
        if not await tx.fetchval(_PUBLISHER_LOCK):
            return {}
        rows = await tx.fetch(_POP_AVAILABILITY_CHANGES, limit, now)
        return {row["product_id"]: row["available"] for row in rows}


def _adjustment(row: Record) -> Adjustment:
    return Adjustment(
        id=row["id"],
        product_id=row["product_id"],
        action=Action(row["action"]),
        delta=row["delta"],
        reason=row["reason"],
        actor_id=row["actor_id"],
        create_time=row["create_time"],
        input_hash=bytes(row["input_hash"]),
    )
