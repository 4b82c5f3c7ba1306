"""Writes new orders: one statement for any number of orders, with their lines, history, idempotency keys and outbox rows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kit.db import Database, Statements, Transaction, transpose
from order.addresses.rows import address_to_json
from order.orders.rows import read_orders
from order.placing.domain import AccountLimits
from order.placing.ports import ExistingOrder, NewOrder, Outcome
from order.tables import OrderRow

# Limits count committed orders plus earlier ones in this batch, so concurrent replicas may exceed them by a few: they are soft limits.
# An order that comes back neither accepted nor rejected violated a unique constraint (id, or caller_id and request_id).
_PLACE = """
WITH requested AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::bigint[], $8::jsonb[], $9::timestamptz[],
        $10::timestamptz[], $11::bigint[], $12::uuid[], $13::text[], $14::text[], $15::timestamptz[], $16::jsonb[], $17::bytea[]
    ) AS r(
        id, account_id, caller_id, request_id, input_hash, currency, total, shipping_address, deadline,
        create_time, number, event_id, event_key, event_type, event_time, event_headers, event_payload
    )
), checked AS MATERIALIZED (
    SELECT id, CASE
        WHEN (SELECT count(*) FROM orders o WHERE o.account_id = r.account_id AND o.status = 'PENDING')
            + row_number() OVER (PARTITION BY r.account_id) - 1 >= $25
            THEN 'TOO_MANY_PENDING'
        WHEN (SELECT count(*) FROM orders o WHERE o.account_id = r.account_id AND o.cancel_reason = 'PAYMENT_FAILED'
              AND o.update_time > r.create_time - interval '1 hour') >= $26
            THEN 'TOO_MANY_FAILED'
        END AS rejection
    FROM requested r
), accepted AS (
    INSERT INTO orders (
        id, account_id, caller_id, request_id, input_hash, currency, total, refunded, status, status_reason,
        shipping_address, version, deadline, create_time, update_time, number
    )
    SELECT id, account_id, caller_id, request_id, input_hash, currency, total, 0, 'PENDING', '',
           shipping_address, 1, deadline, create_time, create_time, number
    FROM requested JOIN checked USING (id) WHERE rejection IS NULL ORDER BY caller_id, request_id
    ON CONFLICT DO NOTHING
    RETURNING id
), lines AS (
    INSERT INTO order_lines (order_id, position, product_id, name, unit_price, quantity)
    SELECT l.* FROM unnest($18::uuid[], $19::int[], $20::uuid[], $21::text[], $22::bigint[], $23::int[])
        AS l(order_id, position, product_id, name, unit_price, quantity)
    JOIN accepted ON accepted.id = l.order_id
), history AS (
    INSERT INTO order_status_changes (order_id, position, status, time, note, internal_note)
    SELECT id, 0, 'PENDING', create_time, '', '' FROM requested JOIN accepted USING (id)
), outbox_rows AS (
    INSERT INTO outbox (topic, event_id, key, type, time, headers, payload)
    SELECT $24::text, event_id, event_key, event_type, event_time, event_headers, event_payload FROM requested JOIN accepted USING (id)
)
SELECT id, 'WRITTEN' AS outcome FROM accepted
UNION ALL SELECT id, rejection FROM checked WHERE rejection IS NOT NULL
"""
_TAKE_NUMBERS = "SELECT nextval('order_numbers') AS number FROM generate_series(1, $1)"


class PostgresPlacingStore:
    """`ports.PlacingStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def place(
        self, orders: Sequence[NewOrder], limits: AccountLimits, tx: Transaction | None = None
    ) -> list[Outcome]:
        """Of several orders with the same id, only the first is written."""
        first = {new.event.order.id: new for new in reversed(orders)}
        arguments = self._columns(list(first.values()))
        statements: Statements = tx or self._db
        rows = await statements.fetch(_PLACE, *arguments, limits.pending, limits.failed_payments)
        outcomes = {row["id"]: Outcome(row["outcome"]) for row in rows}
        if tx is None and Outcome.WRITTEN in outcomes.values():
            self._db.notify_emitted()

        def outcome(new: NewOrder) -> Outcome:
            result = outcomes.get(new.event.order.id, Outcome.DUPLICATE)
            duplicate = first[new.event.order.id] is not new
            return Outcome.DUPLICATE if duplicate and result is Outcome.WRITTEN else result

        return [outcome(new) for new in orders]

    async def find_by_key(self, caller_id: UUID, request_id: str) -> ExistingOrder | None:
        """Looks up the key's unique index, then reads the order."""
        by_key = (OrderRow.caller_id == caller_id) & (OrderRow.request_id == request_id)
        row = await self._db.run(OrderRow.select(OrderRow.id, OrderRow.input_hash).where(by_key).first())
        orders = await read_orders(self._db, [row]) if row else []
        return ExistingOrder(orders[0], bytes(row["input_hash"])) if orders else None

    async def take_numbers(self, count: int) -> list[int]:
        """One statement."""
        rows = await self._db.fetch(_TAKE_NUMBERS, count)
        return [row["number"] for row in rows]

    def _columns(self, new_orders: Sequence[NewOrder]) -> list[Any]:
        assert self._db.publishes is not None
        orders = [new.event.order for new in new_orders]
        heads = (
            (
                order.id,
                order.account_id,
                new.command.caller_id,
                new.command.request_id,
                new.command.input_hash,
                order.total.currency,
                order.total.minor,
                address_to_json(order.shipping_address),
                order.deadline,
                order.create_time,
                order.number,
            )
            for new, order in zip(new_orders, orders, strict=True)
        )
        lines = (
            (order.id, index, line.product_id, line.name, line.unit_price.minor, line.quantity)
            for order in orders
            for index, line in enumerate(order.lines)
        )
        topic, *events = self._db.publishes.outbox_rows(
            [new.event for new in new_orders], [new.headers for new in new_orders]
        )
        return [*transpose(heads, 11), *events, *transpose(lines, 6), topic]
