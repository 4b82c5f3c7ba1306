"""The only reader and writer of reservations, together with `reserving`.

A reservation's state is checked and changed under its row's lock. All statements lock in one order, so no two of them deadlock:
reservations by order id, then stock by product id, then new reservations by order id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.reservations.domain import Reservation, ReservationRequest, ReservationState
from catalog.reservations.reserving import reserve
from kit.db import Database, DatabaseContention, Record, Statements, Transaction
from kit.errors import SoukError

# The states are compared after the rows are locked by their ids: a condition on HELD would let the planner read all held reservations,
# which are few in its statistics (ADR 0062).
_COMMIT: Final = """
WITH locked AS MATERIALIZED (
    SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) ORDER BY order_id FOR UPDATE
), changed AS (
    UPDATE reservations r SET state = 'COMMITTED', update_time = $2 FROM locked WHERE r.order_id = locked.order_id AND locked.state = 'HELD'
    RETURNING r.order_id, r.state
)
SELECT order_id, state FROM changed
UNION ALL SELECT order_id, state FROM locked WHERE state <> 'HELD'
"""

# The rules, in order:
#  1. `closing`: only reservations in one of the states $2 are closed; a repeated call finds none and returns nothing twice.
#  2. `restocked`: their stock is free again; `availability_changed` queues products that were sold out.
#  3. `written_off`: stock of products that are no longer tracked is recorded as an adjustment instead.
#  4. `changed`: HELD becomes RELEASED, COMMITTED becomes RETURNED. The reference to `locked` makes it run after the stock is locked:
#     otherwise it could block, at a reservation's key, a transaction that holds the stock needed here.
#  5. `unknown`: if $4, an order without a reservation gets a RELEASED one, so that a late reserve takes nothing.
# A reservation that a concurrent call changes or creates appears in no branch: the caller retries.
_RELEASE: Final = """
WITH closing AS MATERIALIZED (
    SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) AND state = ANY($2::text[]) ORDER BY order_id FOR UPDATE
), returned AS MATERIALIZED (
    SELECT product_id, sum(taken)::bigint AS taken FROM reservation_lines JOIN closing USING (order_id) WHERE taken > 0 GROUP BY product_id
), locked AS MATERIALIZED (
    SELECT product_id FROM stock WHERE product_id IN (SELECT product_id FROM returned) ORDER BY product_id FOR UPDATE
), restocked AS (
    UPDATE stock s SET free = s.free + returned.taken FROM returned JOIN locked USING (product_id) WHERE s.product_id = returned.product_id
    RETURNING s.product_id, s.free - returned.taken AS before
), availability_changed AS (
    INSERT INTO availability_changes (product_id) SELECT product_id FROM restocked WHERE before = 0
), written_off AS (
    INSERT INTO stock_adjustments (id, product_id, action, delta, reason, create_time)
    SELECT gen_random_uuid(), product_id, 'FORGO', -taken, '', $3 FROM returned WHERE product_id NOT IN (SELECT product_id FROM locked)
), changed AS (
    UPDATE reservations r SET state = CASE closing.state WHEN 'HELD' THEN 'RELEASED' ELSE 'RETURNED' END, update_time = $3
    FROM closing WHERE r.order_id = closing.order_id AND (SELECT count(*) FROM locked) >= 0
    RETURNING r.order_id, r.state
), unknown AS (
    INSERT INTO reservations (order_id, state, input_hash, currency, create_time, update_time, expire_time)
    SELECT order_id, 'RELEASED', '', '', $3, $3, $3 FROM unnest($1::uuid[]) AS requested(order_id)
    WHERE $4 AND NOT EXISTS (SELECT FROM reservations r WHERE r.order_id = requested.order_id)
    ORDER BY order_id ON CONFLICT DO NOTHING
    RETURNING order_id, state
)
SELECT order_id, state FROM changed
UNION ALL SELECT order_id, state FROM unknown
UNION ALL SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) AND state IN ('RELEASED', 'RETURNED')
"""
_CLOSED: Final = "SELECT order_id, state FROM reservations WHERE order_id = ANY($1::uuid[]) AND state IN ('RELEASED', 'RETURNED')"

_EXPIRED: Final = """
SELECT order_id FROM reservations WHERE state = 'HELD' AND expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED
"""

_MAX_ATTEMPTS: Final = 5


class PostgresReservationStore:
    """`ports.ReservationStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def reserve(
        self, requests: Sequence[ReservationRequest], now: datetime, expire_time: datetime
    ) -> list[Reservation | SoukError]:
        """One statement. Repeated requests for an order get the outcome of its first request, which alone created it."""
        first: dict[UUID, ReservationRequest] = {}
        for request in requests:
            first.setdefault(request.order_id, request)
        outcomes = await reserve(self._db, list(first.values()), now, expire_time)

        def outcome(request: ReservationRequest) -> Reservation | SoukError:
            result = outcomes[request.order_id]
            if first[request.order_id] is request or isinstance(result, SoukError):
                return result
            return replace(result, created=False)

        return [outcome(request) for request in requests]

    async def commit(self, order_ids: Sequence[UUID], now: datetime) -> dict[UUID, ReservationState]:
        """One statement, repeated for reservations that changed concurrently."""
        states: dict[UUID, ReservationState] = {}
        for _ in range(_MAX_ATTEMPTS):
            remaining = [order_id for order_id in order_ids if order_id not in states]
            states |= _states(await self._db.fetch(_COMMIT, remaining, now))
            missing = [order_id for order_id in remaining if order_id not in states]
            if not missing or not await self._db.fetch(
                "SELECT FROM reservations WHERE order_id = ANY($1::uuid[])", missing
            ):
                return states
        raise DatabaseContention("the reservation changed concurrently; retry")

    async def release(
        self, db: Statements, order_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, ReservationState]:
        """One statement, repeated for reservations that changed concurrently."""
        return await self._release(db, order_ids, ("HELD", "COMMITTED"), now, unknown=True)

    async def expire(self, now: datetime, limit: int) -> int:
        """Skips reservations that are being committed or released."""
        async with self._db.transaction() as tx:
            expired = [row["order_id"] for row in await tx.fetch(_EXPIRED, now, limit)]
            if expired:
                await self._release(tx, expired, ("HELD",), now, unknown=False)
        return len(expired)

    async def _release(
        self,
        db: Statements,
        order_ids: Sequence[UUID],
        from_states: Sequence[str],
        now: datetime,
        *,
        unknown: bool,
    ) -> dict[UUID, ReservationState]:
        states: dict[UUID, ReservationState] = {}
        for _ in range(_MAX_ATTEMPTS):
            remaining = [order_id for order_id in order_ids if order_id not in states]
            if states and isinstance(db, Transaction):
                # The transaction keeps its locks, so locking more would violate the lock order: read only.
                states |= _states(await db.fetch(_CLOSED, remaining))
            else:
                states |= _states(await db.fetch(_RELEASE, remaining, list(from_states), now, unknown))
            if len(states) == len(set(order_ids)):
                return states
        raise DatabaseContention("the reservation changed concurrently; retry")


def _states(rows: Iterable[Record]) -> dict[UUID, ReservationState]:
    return {row["order_id"]: ReservationState(row["state"]) for row in rows}
