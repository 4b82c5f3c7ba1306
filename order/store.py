"""The only reader and writer of the order tables: rows <-> domain.

Placing is one statement for any number of orders: orders, lines, history, keys and outbox rows, under the account's limits. Whether
an order may change is not decided here (domain), nor who may see it (an owner is part of the query).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from kit.db import Database, Record, Statements, Transaction, transpose
from kit.values import Money, exact_count
from order.domain import Address, CancelReason, Line, Order, Status, StatusChange
from order.list_queries import count_orders, newest_orders
from order.ports import AccountLimits, OrderFilter, Outcome, Placement, Stored
from order.tables import OrderRow

# Limits are judged by what was committed before and by what stands before it in the batch, so calls on several replicas may pass one too
# many together: they are brakes, not invariants. An order that is not returned as fresh or limited met its own id or its caller's key.
_PLACE = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::bigint[], $8::jsonb[], $9::timestamptz[],
        $10::timestamptz[], $11::uuid[], $12::text[], $13::text[], $14::timestamptz[], $15::jsonb[], $16::bytea[]
    ) AS a(
        id, account_id, caller_id, request_id, input_hash, currency, total, shipping_address, deadline,
        create_time, event_id, event_key, event_type, event_time, event_headers, event_payload
    )
), judged AS MATERIALIZED (
    SELECT id, CASE
        WHEN (SELECT count(*) FROM orders o WHERE o.account_id = a.account_id AND o.status = 'PENDING')
            + row_number() OVER (PARTITION BY a.account_id) - 1 >= $24
            THEN 'TOO_MANY_PENDING'
        WHEN (SELECT count(*) FROM orders o WHERE o.account_id = a.account_id AND o.cancel_reason = 'PAYMENT_FAILED'
              AND o.update_time > a.create_time - interval '1 hour') >= $25
            THEN 'TOO_MANY_FAILED'
        END AS refusal
    FROM asked a
), fresh AS (
    INSERT INTO orders (
        id, account_id, caller_id, request_id, input_hash, currency, total, refunded, status, status_reason,
        shipping_address, version, deadline, create_time, update_time
    )
    SELECT id, account_id, caller_id, request_id, input_hash, currency, total, 0, 'PENDING', '',
           shipping_address, 1, deadline, create_time, create_time
    FROM asked JOIN judged USING (id) WHERE refusal IS NULL ORDER BY caller_id, request_id
    ON CONFLICT DO NOTHING
    RETURNING id
), lines AS (
    INSERT INTO order_lines (order_id, position, product_id, name, unit_price, quantity)
    SELECT l.* FROM unnest($17::uuid[], $18::int[], $19::uuid[], $20::text[], $21::bigint[], $22::int[])
        AS l(order_id, position, product_id, name, unit_price, quantity)
    JOIN fresh ON fresh.id = l.order_id
), history AS (
    INSERT INTO order_status_changes (order_id, position, status, time, note, internal_note)
    SELECT id, 0, 'PENDING', create_time, '', '' FROM asked JOIN fresh USING (id)
), told AS (
    INSERT INTO outbox (topic, event_id, key, type, time, headers, payload)
    SELECT $23::text, event_id, event_key, event_type, event_time, event_headers, event_payload FROM asked JOIN fresh USING (id)
)
SELECT id, 'WRITTEN' AS outcome FROM fresh
UNION ALL SELECT id, refusal FROM judged WHERE refusal IS NOT NULL
"""

_WHOLE = """
SELECT o.*,
    ARRAY(SELECT (product_id, name, unit_price, quantity) FROM order_lines WHERE order_id = o.id ORDER BY position) AS lines,
    ARRAY(SELECT (status, time, note, internal_note) FROM order_status_changes WHERE order_id = o.id ORDER BY position) AS history
"""
_SELECT = _WHOLE + "FROM orders o\n"

_SAVE = """
WITH changed AS (
    UPDATE orders o SET status = c.status, cancel_reason = c.cancel_reason, status_reason = c.status_reason, refunded = c.refunded,
        version = c.version, update_time = c.update_time
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::int[], $7::timestamptz[])
        AS c(id, status, cancel_reason, status_reason, refunded, version, update_time)
    WHERE o.id = c.id
)
INSERT INTO order_status_changes (order_id, position, status, time, note, internal_note)
SELECT * FROM unnest($8::uuid[], $9::int[], $10::text[], $11::timestamptz[], $12::text[], $13::text[])
ON CONFLICT (order_id, position) DO NOTHING
"""

_LOCK = "SELECT id FROM orders WHERE id = $1 AND ($2::uuid IS NULL OR account_id = $2) FOR UPDATE"
_LOCK_OVERDUE = """
SELECT id FROM orders WHERE status = 'PENDING' AND deadline <= $1 ORDER BY deadline LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_LOCK_OPEN = """
SELECT id FROM orders WHERE account_id = $1 AND status IN ('PENDING', 'CONFIRMED', 'SHIPPED') ORDER BY id FOR UPDATE
"""
_FORGET_PERSON = """
WITH reduced AS (
    UPDATE orders SET
        shipping_address = (
            SELECT jsonb_object_agg(key, CASE WHEN key = 'country_code' THEN value ELSE '""' END)
            FROM jsonb_each(shipping_address)
        ),
        status_reason = CASE WHEN cancel_reason = 'CUSTOMER' THEN '' ELSE status_reason END
    WHERE account_id = $1 AND (shipping_address IS NOT NULL OR cancel_reason = 'CUSTOMER')
    RETURNING id, cancel_reason
)
UPDATE order_status_changes SET note = '' FROM reduced
WHERE order_id = reduced.id AND reduced.cancel_reason = 'CUSTOMER' AND status = 'CANCELLED'
"""
_NOTE_CLOSED = "INSERT INTO closed_accounts (account_id, close_time) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_CLOSED_WITH_ORDERS = """
SELECT account_id FROM closed_accounts c WHERE close_time >= $1 AND EXISTS (
    SELECT FROM orders o WHERE o.account_id = c.account_id
        AND (o.status IN ('PENDING', 'CONFIRMED') OR o.shipping_address ->> 'name' <> '')
)
"""


class Store:
    """`ports.OrderStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def place(
        self, placements: Sequence[Placement], limits: AccountLimits, tx: Transaction | None = None
    ) -> list[Outcome]:
        """One statement for all of them; of two with the same id the first is written."""
        first = {placement.fact.order.id: placement for placement in reversed(placements)}
        arguments = self._columns(list(first.values()))
        within: Statements = tx or self._db
        rows = await within.fetch(_PLACE, *arguments, limits.pending, limits.failed_payments)
        known = {row["id"]: Outcome(row["outcome"]) for row in rows}
        if tx is None and Outcome.WRITTEN in known.values():
            self._db.notify_emitted()

        def outcome(placement: Placement) -> Outcome:
            found = known.get(placement.fact.order.id, Outcome.TAKEN)
            twin = first[placement.fact.order.id] is not placement
            return Outcome.TAKEN if twin and found is Outcome.WRITTEN else found

        return [outcome(placement) for placement in placements]

    async def find_request(self, caller_id: UUID, request_id: str) -> Stored | None:
        """By the key's two columns."""
        named = (OrderRow.caller_id == caller_id) & (OrderRow.request_id == request_id)
        row = await self._db.run(OrderRow.select(OrderRow.id, OrderRow.input_hash).where(named).first())
        order = await self.get(row["id"], None) if row else None
        return Stored(order, bytes(row["input_hash"])) if order else None

    async def get(self, order_id: UUID, owner: UUID | None) -> Order | None:
        """Ownership is part of the query."""
        row = await self._db.fetchrow(
            _SELECT + "WHERE o.id = $1 AND ($2::uuid IS NULL OR o.account_id = $2)", order_id, owner
        )
        return _order(row) if row else None

    async def page(self, which: OrderFilter, after: tuple[datetime, UUID] | None, limit: int) -> list[Order]:
        """By keyset, never by offset."""
        newest, args = newest_orders(which, after, limit)
        sql = f"{_WHOLE} FROM ({newest}) o ORDER BY o.create_time DESC, o.id DESC"
        return [_order(row) for row in await self._db.fetch(sql, *args)]

    async def page_each(
        self, which: OrderFilter, account_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, list[Order]]:
        """One statement for all accounts; those without orders are left out."""
        newest, args = newest_orders(which, None, limit, of="account.id")
        sql = (
            f"{_WHOLE} FROM unnest(${len(args) + 1}::uuid[]) AS account(id), LATERAL ({newest}) o "
            "ORDER BY o.create_time DESC, o.id DESC"
        )
        found: dict[UUID, list[Order]] = defaultdict(list)
        for row in await self._db.fetch(sql, *args, list(account_ids)):
            found[row["account_id"]].append(_order(row))
        return dict(found)

    async def count_each(self, which: OrderFilter, account_ids: Sequence[UUID]) -> dict[UUID, int | None]:
        """One statement for all accounts."""
        count, args = count_orders(which, of="account.id")
        sql = f"SELECT account.id, counted.count FROM unnest(${len(args) + 1}::uuid[]) AS account(id), LATERAL ({count}) counted"  # noqa: S608 - of constants
        rows = await self._db.fetch(sql, *args, list(account_ids))
        return {row["id"]: exact_count(row["count"]) for row in rows}

    async def count(self, which: OrderFilter) -> int | None:
        """Reads no more than it counts."""
        count, args = count_orders(which)
        return exact_count(await self._db.fetchval(count, *args))

    async def lock(self, tx: Transaction, order_id: UUID, owner: UUID | None = None) -> Order | None:
        """First the lock, then the reading: a statement that waited for a row still sees the other tables as they were before."""
        found = await tx.fetch(_LOCK, order_id, owner)
        return (await _read(tx, found))[0] if found else None

    async def lock_overdue(self, tx: Transaction, now: datetime, limit: int) -> list[Order]:
        """Those with the earliest deadlines; what another sweep has locked is passed over."""
        return await _read(tx, await tx.fetch(_LOCK_OVERDUE, now, limit))

    async def lock_open(self, tx: Transaction, account_id: UUID) -> list[Order]:
        """In order of ids, so that two cannot deadlock."""
        return await _read(tx, await tx.fetch(_LOCK_OPEN, account_id))

    async def forget_person(self, tx: Transaction, account_id: UUID) -> None:
        """Changes neither status nor version: there is nothing to tell."""
        await tx.execute(_FORGET_PERSON, account_id)

    async def note_closed(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """The first time counts."""
        await tx.execute(_NOTE_CLOSED, account_id, now)

    async def closed_with_orders(self, since: datetime) -> list[UUID]:
        """They are few, and each has few orders."""
        return [row["account_id"] for row in await self._db.fetch(_CLOSED_WITH_ORDERS, since)]

    async def save(self, tx: Transaction, orders: Sequence[Order]) -> None:
        """One statement; history rows that are stored already stay."""
        changes = (
            (o.id, o.status, o.cancel_reason, o.status_reason, o.refunded.minor, o.version, o.update_time)
            for o in orders
        )
        steps = (
            (order.id, at, step.status, step.time, step.note, step.internal_note)
            for order in orders
            for at, step in enumerate(order.history)
        )
        await tx.execute(_SAVE, *transpose(changes, 7), *transpose(steps, 6))

    def _columns(self, placements: Sequence[Placement]) -> list[Any]:
        assert self._db.publishes is not None
        orders = [placement.fact.order for placement in placements]
        heads = (
            (
                order.id,
                order.account_id,
                placement.caller_id,
                placement.purchase.request_id,
                placement.purchase.input_hash,
                order.total.currency,
                order.total.minor,
                _address_json(order.shipping_address),
                order.deadline,
                order.create_time,
            )
            for placement, order in zip(placements, orders, strict=True)
        )
        lines = (
            (order.id, at, line.product_id, line.name, line.unit_price.minor, line.quantity)
            for order in orders
            for at, line in enumerate(order.lines)
        )
        topic, *events = self._db.publishes.outbox_rows(
            [placement.fact for placement in placements], [placement.headers for placement in placements]
        )
        return [*transpose(heads, 10), *events, *transpose(lines, 6), topic]


async def _read(db: Statements, ids: Sequence[Record]) -> list[Order]:
    rows = await db.fetch(_SELECT + "WHERE o.id = ANY($1)", [row["id"] for row in ids])
    return [_order(row) for row in rows]


def _order(row: Record) -> Order:
    currency = row["currency"]
    return Order(
        id=row["id"],
        account_id=row["account_id"],
        lines=tuple(
            Line(product, name, Money(price, currency), quantity)
            for product, name, price, quantity in row["lines"]
        ),
        total=Money(row["total"], currency),
        refunded=Money(row["refunded"], currency),
        status=Status(row["status"]),
        cancel_reason=CancelReason(row["cancel_reason"]) if row["cancel_reason"] else None,
        status_reason=row["status_reason"],
        history=tuple(
            StatusChange(Status(status), time, note, internal)
            for status, time, note, internal in row["history"]
        ),
        shipping_address=_address(row["shipping_address"]),
        version=row["version"],
        deadline=row["deadline"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )


def _address_json(address: Address | None) -> str | None:
    return orjson.dumps(address).decode() if address else None


def _address(text: str | None) -> Address | None:
    return Address(**orjson.loads(text)) if text else None
