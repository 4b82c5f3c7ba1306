"""The only reader and writer of stock and reservations, with `stock_reserving`: rows <-> domain.

What a reservation may become is its row's state, checked under its lock. Locks are always taken in one order: reservations by order id,
stock by product id, then new reservations by order id. So no two of these statements wait for each other, however many orders they are for.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.errors import IdempotencyConflict
from catalog.stock_domain import Action, Adjustment, Reservation, ReservationState, Wish
from catalog.stock_reserving import reserve
from kit.db import Database, DatabaseContention, Record, Statements, Transaction, UniqueViolation
from kit.errors import SoukError

_COMMIT = """
WITH held AS MATERIALIZED (
    SELECT order_id FROM reservations WHERE order_id = ANY($1::uuid[]) AND state = 'HELD' ORDER BY order_id FOR UPDATE
), changed AS (
    UPDATE reservations r SET state = 'COMMITTED', update_time = $2 FROM held WHERE r.order_id = held.order_id
    RETURNING r.order_id, r.state
)
SELECT order_id, state FROM changed
UNION ALL SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) AND state <> 'HELD'
"""

# What comes back of a product that is not tracked any more is nobody's: it leaves the books (`forgone`).
# `changed` waits for `locked`: a reservation that is being changed makes others wait at its key, who may hold the stock wanted here.
# A reservation that another call ends at the same moment, or is about to make, appears in no branch: the caller looks again.
_GIVE_BACK = """
WITH ended AS MATERIALIZED (
    SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) AND state = ANY($2::text[]) ORDER BY order_id FOR UPDATE
), back AS MATERIALIZED (
    SELECT product_id, sum(taken)::bigint AS taken FROM reservation_lines JOIN ended USING (order_id) WHERE taken > 0 GROUP BY product_id
), locked AS MATERIALIZED (
    SELECT product_id FROM stock WHERE product_id IN (SELECT product_id FROM back) ORDER BY product_id FOR UPDATE
), given AS (
    UPDATE stock s SET free = s.free + back.taken FROM back JOIN locked USING (product_id) WHERE s.product_id = back.product_id
    RETURNING s.product_id, s.free - back.taken AS before
), came_back AS (
    INSERT INTO availability_changes (product_id) SELECT product_id FROM given WHERE before = 0
), forgone AS (
    INSERT INTO stock_adjustments (id, product_id, action, delta, reason, create_time)
    SELECT gen_random_uuid(), product_id, 'FORGO', -taken, '', $3 FROM back WHERE product_id NOT IN (SELECT product_id FROM locked)
), changed AS (
    UPDATE reservations r SET state = CASE ended.state WHEN 'HELD' THEN 'RELEASED' ELSE 'RETURNED' END, update_time = $3
    FROM ended WHERE r.order_id = ended.order_id AND (SELECT count(*) FROM locked) >= 0
    RETURNING r.order_id, r.state
), unknown AS (
    INSERT INTO reservations (order_id, state, input_hash, currency, create_time, update_time, expire_time)
    SELECT order_id, 'RELEASED', '', '', $3, $3, $3 FROM unnest($1::uuid[]) AS asked(order_id)
    WHERE $4 AND NOT EXISTS (SELECT FROM reservations r WHERE r.order_id = asked.order_id)
    ORDER BY order_id ON CONFLICT DO NOTHING
    RETURNING order_id, state
)
SELECT order_id, state FROM changed
UNION ALL SELECT order_id, state FROM unknown
UNION ALL SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) AND state IN ('RELEASED', 'RETURNED')
"""
_ENDED = "SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) AND state IN ('RELEASED', 'RETURNED')"

_OVERDUE = """
SELECT order_id FROM reservations WHERE state = 'HELD' AND expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED
"""

_WRITE = """
WITH kept AS (
    INSERT INTO stock (product_id, free) SELECT $2, $10::bigint WHERE $10::bigint IS NOT NULL
    ON CONFLICT (product_id) DO UPDATE SET free = EXCLUDED.free
), ended AS (
    DELETE FROM stock WHERE product_id = $2 AND $10::bigint IS NULL
), flipped AS (
    INSERT INTO availability_changes (product_id) SELECT $2 WHERE $9
)
INSERT INTO stock_adjustments (id, product_id, action, delta, reason, actor_id, create_time, input_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_ADJUSTMENTS = (
    "SELECT id, product_id, action, delta, reason, actor_id, create_time, input_hash FROM stock_adjustments"
)

# Flips that commit meanwhile keep their rows, and are told the next time.
_TAKE_CHANGES = """
WITH due AS MATERIALIZED (
    SELECT c.product_id FROM availability_changes c LEFT JOIN availability_told t USING (product_id)
    WHERE coalesce(t.told_time <= $2::timestamptz - interval '1 second', true)
    GROUP BY c.product_id ORDER BY min(c.id) LIMIT $1
), gone AS (
    DELETE FROM availability_changes WHERE product_id IN (SELECT product_id FROM due)
), noted AS (
    INSERT INTO availability_told (product_id, told_time) SELECT product_id, $2 FROM due
    ON CONFLICT (product_id) DO UPDATE SET told_time = EXCLUDED.told_time
)
SELECT product_id, coalesce(stock.free > 0, true) AS available FROM due LEFT JOIN stock USING (product_id)
"""
# One replica tells at a time.
_TELLING = "SELECT pg_try_advisory_xact_lock(hashtext('catalog.availability'))"

# Two calls for one order meet at most a few times before one of them sees what the other did.
_TRIES: Final = 5


class PostgresStockStore:
    """`ports.StockStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def free(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        """One statement for all of them."""
        rows = await self._db.fetch(
            "SELECT product_id, free FROM stock WHERE product_id = ANY($1::uuid[])", list(ids)
        )
        return {row["product_id"]: row["free"] for row in rows}

    async def lock(self, tx: Transaction, product_id: UUID) -> int | None:
        """Free stock, locked until the transaction ends; None when it is not tracked."""
        free: int | None = await tx.fetchval(
            "SELECT free FROM stock WHERE product_id = $1 FOR UPDATE", product_id
        )
        return free

    async def write(
        self, tx: Transaction, adjustment: Adjustment, *, before: int | None, after: int | None
    ) -> None:
        """One statement. A flip is told only of what was there before: a new product is told as such."""
        a = adjustment
        flips = a.action is not Action.CREATE and (before == 0) != (after == 0)
        args = (a.id, a.product_id, a.action, a.delta, a.reason, a.actor_id, a.create_time, a.input_hash)
        try:
            await tx.execute(_WRITE, *args, flips, after)
        except UniqueViolation as error:
            raise IdempotencyConflict("this key was used with other input") from error

    async def adjustment(self, tx: Transaction, adjustment_id: UUID) -> Adjustment | None:
        """One that was kept."""
        row = await tx.fetchrow(f"{_ADJUSTMENTS} WHERE id = $1", adjustment_id)
        return _adjustment(row) if row else None

    async def adjustments(self, product_id: UUID) -> list[Adjustment]:
        """All of a product, oldest first."""
        rows = await self._db.fetch(
            f"{_ADJUSTMENTS} WHERE product_id = $1 ORDER BY create_time, id", product_id
        )
        return [_adjustment(row) for row in rows]

    async def reserve(
        self, wishes: Sequence[Wish], now: datetime, expire_time: datetime
    ) -> list[Reservation | SoukError]:
        """One statement; two of them for one order at the same moment meet at its key, and the later one sees the earlier one's."""
        first: dict[UUID, Wish] = {}
        for wish in wishes:
            first.setdefault(wish.order_id, wish)
        outcomes = await reserve(self._db, list(first.values()), now, expire_time)
        return [outcomes[wish.order_id] for wish in wishes]

    async def commit(self, order_ids: Sequence[UUID], now: datetime) -> dict[UUID, ReservationState]:
        """One statement, repeated for those that changed under its hands."""
        known: dict[UUID, ReservationState] = {}
        for _ in range(_TRIES):
            asked = [order_id for order_id in order_ids if order_id not in known]
            rows = await self._db.fetch(_COMMIT, asked, now)
            known |= _states(rows)
            missing = [order_id for order_id in asked if order_id not in known]
            if not missing or not await self._db.fetch(
                "SELECT FROM reservations WHERE order_id = ANY($1::uuid[])", missing
            ):
                return known
        raise DatabaseContention("a reservation kept changing")

    async def release(
        self, db: Statements, order_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, ReservationState]:
        """One statement, repeated for those that changed under its hands."""
        return await self._give_back(db, order_ids, ("HELD", "COMMITTED"), now, unknown=True)

    async def expire(self, now: datetime, limit: int) -> int:
        """What is being committed or released at this moment is left to that."""
        async with self._db.transaction() as tx:
            overdue = [row["order_id"] for row in await tx.fetch(_OVERDUE, now, limit)]
            if overdue:
                await self._give_back(tx, overdue, ("HELD",), now, unknown=False)
        return len(overdue)

    async def take_availability_changes(self, tx: Transaction, limit: int, now: datetime) -> dict[UUID, bool]:
        """Products that flipped since the last time, with whether they are available now; none while another replica tells."""
        if not await tx.fetchval(_TELLING):
            return {}
        return {row["product_id"]: row["available"] for row in await tx.fetch(_TAKE_CHANGES, limit, now)}

    async def _give_back(
        self,
        db: Statements,
        order_ids: Sequence[UUID],
        states: Sequence[str],
        now: datetime,
        *,
        unknown: bool,
    ) -> dict[UUID, ReservationState]:
        known: dict[UUID, ReservationState] = {}
        for _ in range(_TRIES):
            asked = [order_id for order_id in order_ids if order_id not in known]
            if known and isinstance(db, Transaction):
                # What is locked stays so until the transaction ends, and more would be locked out of order: only looked at.
                known |= _states(await db.fetch(_ENDED, asked))
            else:
                known |= _states(await db.fetch(_GIVE_BACK, asked, list(states), now, unknown))
            if len(known) == len(set(order_ids)):
                return known
        raise DatabaseContention("a reservation kept changing")


def _states(rows: Iterable[Record]) -> dict[UUID, ReservationState]:
    return {row["order_id"]: ReservationState(row["state"]) for row in rows}


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
