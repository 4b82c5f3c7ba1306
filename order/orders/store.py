"""Reads, locks and saves single orders. The status machine is in `domain`; an owner is part of the query."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.db import Database, Transaction, transpose
from order.orders.domain import CancelReason, Order
from order.orders.rows import SELECT_ORDERS, order_from_row, read_orders

_SAVE = """
WITH {failed}changed AS (
    UPDATE orders o SET status = c.status, cancel_reason = c.cancel_reason, status_reason = c.status_reason, refunded = c.refunded,
        version = c.version, update_time = c.update_time,
        guest_network = CASE WHEN c.status = 'PENDING' THEN o.guest_network END
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::int[], $7::timestamptz[])
        AS c(id, status, cancel_reason, status_reason, refunded, version, update_time)
    WHERE o.id = c.id
)
INSERT INTO order_status_changes (order_id, position, status, time, note, internal_note)
SELECT * FROM unnest($8::uuid[], $9::int[], $10::text[], $11::timestamptz[], $12::text[], $13::text[])
ON CONFLICT (order_id, position) DO NOTHING
"""
# In the statement's snapshot an unpaid order still has its network. What counts as failed is said in `order.writing.statement`.
_FAILED = """failed AS (INSERT INTO failed_guest_payments (order_id, guest_network, fail_time) SELECT id, guest_network, time
    FROM unnest($1::uuid[], $3::text[], $7::timestamptz[]) AS f(id, reason, time) JOIN orders USING (id)
    WHERE reason IN ('PAYMENT_FAILED', 'CUSTOMER') AND guest_network IS NOT NULL ON CONFLICT DO NOTHING), """
_MAY_HAVE_DECLINES = (CancelReason.PAYMENT_FAILED, CancelReason.CUSTOMER)
_LOCK = "SELECT id FROM orders WHERE id = $1 AND ($2::uuid IS NULL OR account_id = $2) FOR UPDATE"
_LOCK_OVERDUE = """
SELECT id FROM orders WHERE status = 'PENDING' AND deadline <= $1 ORDER BY deadline LIMIT $2 FOR UPDATE SKIP LOCKED
"""


class PostgresOrderStore:
    """`ports.OrderStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, order_id: UUID, owner: UUID | None) -> Order | None:
        """Checks ownership in the query."""
        row = await self._db.fetchrow(
            SELECT_ORDERS + "WHERE o.id = $1 AND ($2::uuid IS NULL OR o.account_id = $2)", order_id, owner
        )
        return order_from_row(row) if row else None

    async def lock(self, tx: Transaction, order_id: UUID, owner: UUID | None = None) -> Order | None:
        """Locks first and reads in a second statement: one that waited for the lock still sees the other tables as of its start."""
        locked = await tx.fetch(_LOCK, order_id, owner)
        return (await read_orders(tx, locked))[0] if locked else None

    async def lock_overdue(self, tx: Transaction, now: datetime, limit: int) -> list[Order]:
        """Earliest deadlines first; skips rows that another sweep has locked."""
        return await read_orders(tx, await tx.fetch(_LOCK_OVERDUE, now, limit))

    async def save(self, tx: Transaction, orders: Sequence[Order]) -> None:
        """One statement; history entries that are already stored are left alone. A guest's failed payment counts for its network."""
        changes = (
            (o.id, o.status, o.cancel_reason, o.status_reason, o.refunded.minor, o.version, o.update_time)
            for o in orders
        )
        history = (
            (order.id, index, change.status, change.time, change.note, change.internal_note)
            for order in orders
            for index, change in enumerate(order.history)
        )
        failed = _FAILED if any(o.cancel_reason in _MAY_HAVE_DECLINES for o in orders) else ""
        await tx.execute(_SAVE.format(failed=failed), *transpose(changes, 7), *transpose(history, 6))
