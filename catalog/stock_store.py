"""The only reader and writer of stock and reservations: rows <-> domain.

Reserving prices and takes all lines of any number of orders in one statement, under locks that are always taken in the order of products.
What a reservation may become is its row's state, checked under its lock; why an order is refused is said by the domain.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.errors import IdempotencyConflict
from catalog.stock_domain import (
    Action,
    Adjustment,
    Offer,
    PricedLine,
    Reservation,
    ReservationState,
    Wish,
    refusal,
)
from kit.db import Database, DatabaseContention, Record, Statements, Transaction, UniqueViolation, columns
from kit.errors import SoukError
from kit.values import CURRENCIES, Money

_CURRENCIES = ", ".join(f"('{c.code}', {c.exponent}, {c.minimum}, {c.maximum})" for c in CURRENCIES.values())

# What is left follows from what was read under the lock, not from `stock.free`: PostgreSQL judges a CHECK on what the row was in the
# statement's snapshot before it looks at what it has become, and would refuse what came back meanwhile.
# `demand` counts what the wishes before this one want of the same product too, so that together they never take more than there is.
_RESERVE = f"""
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::numeric[]) WITH ORDINALITY AS a(order_id, input_hash, expected_total, turn)
), want AS MATERIALIZED (
    SELECT * FROM unnest($4::uuid[], $5::int[], $6::uuid[], $7::bigint[]) AS w(order_id, position, product_id, quantity)
), prior AS MATERIALIZED (
    SELECT r.* FROM reservations r JOIN asked USING (order_id)
), fresh AS MATERIALIZED (
    SELECT want.*, asked.turn FROM want JOIN asked USING (order_id) WHERE order_id NOT IN (SELECT order_id FROM prior)
), locked AS MATERIALIZED (
    SELECT product_id, free FROM stock WHERE product_id IN (SELECT product_id FROM fresh) ORDER BY product_id FOR UPDATE
), judged AS MATERIALIZED (
    SELECT f.order_id, f.position, f.product_id, f.quantity, p.name, p.price, p.currency, l.free,
        sum(f.quantity) OVER (PARTITION BY f.product_id ORDER BY f.turn) AS demand
    FROM fresh f
    LEFT JOIN products p ON p.id = f.product_id AND p.delete_time IS NULL
    LEFT JOIN locked l ON l.product_id = f.product_id
), good AS MATERIALIZED (
    SELECT j.order_id, min(j.currency) AS currency
    FROM judged j JOIN asked a USING (order_id)
    LEFT JOIN (VALUES {_CURRENCIES}) AS c(code, exponent, minimum, maximum) ON c.code = j.currency
    GROUP BY j.order_id, a.expected_total
    HAVING bool_and(j.price IS NOT NULL AND (j.free IS NULL OR j.demand <= j.free))
        AND count(DISTINCT j.currency) = 1
        AND sum(j.price::numeric * j.quantity) BETWEEN min(c.minimum) AND max(c.maximum)
        AND coalesce(a.expected_total * power(10::numeric, min(c.exponent)) = sum(j.price::numeric * j.quantity), true)
), held AS (
    INSERT INTO reservations (order_id, state, input_hash, currency, create_time, update_time, expire_time)
    SELECT order_id, 'HELD', input_hash, currency, $8, $8, $9 FROM good JOIN asked USING (order_id) ORDER BY order_id
), lines AS (
    INSERT INTO reservation_lines (order_id, position, product_id, name, unit_price, quantity, taken)
    SELECT order_id, position, product_id, name, price, quantity, CASE WHEN free IS NULL THEN 0 ELSE quantity END
    FROM judged JOIN good USING (order_id)
), taken AS (
    UPDATE stock s SET free = t.free
    FROM (
        SELECT product_id, (min(free) - sum(quantity))::bigint AS free FROM judged JOIN good USING (order_id)
        WHERE judged.free IS NOT NULL GROUP BY product_id
    ) t
    WHERE s.product_id = t.product_id
    RETURNING s.product_id, s.free
), gone AS (
    INSERT INTO availability_changes (product_id) SELECT product_id FROM taken WHERE free = 0
)
SELECT j.order_id, j.position, j.product_id, j.name, j.price, j.currency, j.quantity, j.free,
    CASE WHEN g.order_id IS NULL THEN '' ELSE 'HELD' END AS state, NULL::bytea AS input_hash, $9::timestamptz AS expire_time
FROM judged j LEFT JOIN good g USING (order_id)
UNION ALL
SELECT p.order_id, l.position, l.product_id, l.name, l.unit_price, p.currency, l.quantity, NULL, p.state, p.input_hash, p.expire_time
FROM prior p LEFT JOIN reservation_lines l USING (order_id)
ORDER BY order_id, position
"""  # noqa: S608 - of our own constants

_COMMIT = """
WITH changed AS (
    UPDATE reservations SET state = 'COMMITTED', update_time = $2 WHERE order_id = ANY($1::uuid[]) AND state = 'HELD'
    RETURNING order_id, state
)
SELECT order_id, state FROM changed
UNION ALL SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) AND state <> 'HELD'
"""

# What comes back of a product that is not tracked any more is nobody's: it leaves the books (`forgone`).
# A reservation that another call ends meanwhile, or is about to make, appears in no branch: the caller looks again.
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
    FROM ended WHERE r.order_id = ended.order_id
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
        rows = await self._reserve(list(first.values()), now, expire_time)
        found: dict[UUID, Reservation | SoukError] = {}
        for order_id, wish in first.items():
            found[order_id] = _outcome(wish, rows[order_id])
        # Those before it in the batch may have wanted what they then did not get; and who waited for a lock did not see what its twin made.
        for order_id, outcome in found.items():
            if isinstance(outcome, SoukError) and outcome.reason == "OUT_OF_STOCK":
                again = await self._reserve([first[order_id]], now, expire_time)
                found[order_id] = _outcome(first[order_id], again[order_id])
        return [found[wish.order_id] for wish in wishes]

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

    async def _reserve(
        self, wishes: Sequence[Wish], now: datetime, expire_time: datetime
    ) -> Mapping[UUID, list[Record]]:
        heads = columns(((wish.order_id, wish.input_hash, wish.expected_total) for wish in wishes), 3)
        wants = (
            (wish.order_id, at, want.product_id, want.quantity)
            for wish in wishes
            for at, want in enumerate(wish.wants)
        )
        args = [*heads, *columns(wants, 4), now, expire_time]
        for _ in range(_TRIES):
            try:
                rows = await self._db.fetch(_RESERVE, *args)
            except UniqueViolation:
                continue
            grouped: dict[UUID, list[Record]] = defaultdict(list)
            for row in rows:
                grouped[row["order_id"]].append(row)
            return grouped
        raise DatabaseContention("a reservation kept changing")

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
            known |= _states(await db.fetch(_GIVE_BACK, asked, list(states), now, unknown))
            if len(known) == len(set(order_ids)):
                return known
        raise DatabaseContention("a reservation kept changing")


def _outcome(wish: Wish, rows: Sequence[Record]) -> Reservation | SoukError:
    state = rows[0]["state"]
    if not state:
        return refusal(wish, [_offer(wish, at, row) for at, row in enumerate(rows)])
    return Reservation(
        order_id=wish.order_id,
        state=ReservationState(state),
        input_hash=wish.input_hash if rows[0]["input_hash"] is None else bytes(rows[0]["input_hash"]),
        # One that ended before it began has no lines.
        lines=tuple(
            PricedLine(row["product_id"], row["name"], Money(row["price"], row["currency"]), row["quantity"])
            for row in rows
            if row["position"] is not None
        ),
        expire_time=rows[0]["expire_time"],
    )


def _offer(wish: Wish, at: int, row: Record) -> Offer:
    price = Money(row["price"], row["currency"]) if row["price"] is not None else None
    return Offer(wish.wants[at], row["name"] or "", price, row["free"])


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
