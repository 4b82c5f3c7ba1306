"""Deleted accounts: locks, anonymizes and finds their orders."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.db import Database, Transaction
from kit.values import Position
from order.orders.domain import Order
from order.orders.rows import read_orders

_LOCK_OPEN = """
SELECT id FROM orders WHERE account_id = $1 AND status IN ('PENDING', 'CONFIRMED', 'SHIPPED') ORDER BY id FOR UPDATE
"""
_ANONYMIZE = """
WITH anonymized AS (
    UPDATE orders SET
        shipping_address = (
            SELECT jsonb_object_agg(key, CASE WHEN key = 'country_code' THEN value ELSE '""' END)
            FROM jsonb_each(shipping_address)
        ),
        billing_address = (
            SELECT jsonb_object_agg(key, CASE WHEN key = 'country_code' THEN value ELSE '""' END)
            FROM jsonb_each(billing_address)
        ),
        note = NULL,
        status_reason = CASE WHEN cancel_reason = 'CUSTOMER' THEN '' ELSE status_reason END
    WHERE account_id = $1
        AND (coalesce(shipping_address, billing_address) IS NOT NULL OR note IS NOT NULL OR cancel_reason = 'CUSTOMER')
    RETURNING id, cancel_reason
)
UPDATE order_status_changes SET note = '' FROM anonymized
WHERE order_id = anonymized.id AND anonymized.cancel_reason = 'CUSTOMER' AND status = 'CANCELLED'
"""
_RECORD_CLOSED_ACCOUNT = (
    "INSERT INTO closed_accounts (account_id, close_time) VALUES ($1, $2) ON CONFLICT DO NOTHING"
)
_IS_CLOSED = "SELECT true FROM closed_accounts WHERE account_id = $1"
_WITH_OPEN_ORDERS = """
WITH page AS (
    SELECT account_id, close_time FROM closed_accounts
    WHERE (close_time, account_id) > ($1, $2) ORDER BY close_time, account_id LIMIT $3
)
SELECT account_id, close_time, EXISTS (
    SELECT FROM orders o WHERE o.account_id = page.account_id
        AND (o.status IN ('PENDING', 'CONFIRMED') OR o.shipping_address ->> 'name' <> '' OR o.billing_address ->> 'name' <> ''
            OR o.note IS NOT NULL OR o.cancel_reason = 'CUSTOMER' AND o.status_reason <> '')
) OR EXISTS (SELECT FROM carts WHERE carts.account_id = page.account_id) AS is_open
FROM page ORDER BY close_time, account_id
"""


class PostgresClosedAccountStore:
    """`ports.ClosedAccountStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def lock_open(self, tx: Transaction, account_id: UUID) -> list[Order]:
        """Locks in order of ids to avoid deadlocks."""
        return await read_orders(tx, await tx.fetch(_LOCK_OPEN, account_id))

    async def anonymize(self, tx: Transaction, account_id: UUID) -> None:
        """Emits no event: neither status nor version changes."""
        await tx.execute(_ANONYMIZE, account_id)

    async def record_closed_account(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Keeps the time of an earlier record."""
        await tx.execute(_RECORD_CLOSED_ACCOUNT, account_id, now)

    async def is_closed(self, tx: Transaction, account_id: UUID) -> bool:
        """Whether the account was deleted."""
        return bool(await tx.fetchval(_IS_CLOSED, account_id))

    async def closed_accounts_with_open_orders(
        self, after: Position, limit: int
    ) -> tuple[Sequence[UUID], Position | None]:
        """Looks at `limit` accounts at most, however few of them have orders or carts."""
        page = await self._db.fetch(_WITH_OPEN_ORDERS, *after, limit)
        open_ids = [row["account_id"] for row in page if row["is_open"]]
        return open_ids, (page[-1]["close_time"], page[-1]["account_id"]) if len(page) == limit else None
