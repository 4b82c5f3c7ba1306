"""Moves lines and carts: between two carts, to another account, and back to OPEN. Every statement runs in its caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from kit.db import DatabaseContention, Record, Transaction, UniqueViolation
from kit.values import Position
from order.carts.domain import MAX_LINES, CartHead
from order.orders.domain import Order
from order.orders.rows import read_orders

# Locks are taken in the order of ids, so that two transactions with the same carts do not deadlock.
_LOCK_OPEN = """
SELECT id, account_id, currency FROM carts WHERE account_id = ANY ($1) AND state = 'OPEN' ORDER BY id FOR UPDATE
"""
_LOCK_ORDERED = """
SELECT id, account_id, currency FROM carts
WHERE id = ANY ($1) AND (id, order_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) AND state = 'ORDERED'
ORDER BY id FOR UPDATE
"""
_CANCELLED = """
WITH page AS (
    SELECT id, cart_id, update_time FROM orders
    WHERE cart_id IS NOT NULL AND status = 'CANCELLED' AND (update_time, id) > ($1, $2) ORDER BY update_time, id LIMIT $3
)
SELECT id, update_time, EXISTS (
    SELECT FROM carts c WHERE c.id = page.cart_id AND c.order_id = page.id AND c.state = 'ORDERED'
) AS is_ordered
FROM page ORDER BY update_time, id
"""
_REOPEN = """
UPDATE carts SET state = 'OPEN', order_id = NULL, version = version + 1, update_time = $2, expire_time = $3 WHERE id = ANY ($1)
"""
# A line that the target has takes no new place, so only the others count against the limit.
_MERGE_LINES = f"""
WITH incoming AS (
    SELECT s.*, t.variant_id IS NOT NULL AS is_present,
        row_number() OVER (PARTITION BY t.variant_id IS NULL ORDER BY s.id) AS number
    FROM cart_lines s LEFT JOIN cart_lines t ON t.cart_id = $2 AND t.variant_id = s.variant_id
    WHERE s.cart_id = $1
), accepted AS (
    SELECT * FROM incoming
    WHERE is_present OR number <= {MAX_LINES} - (SELECT count(*) FROM cart_lines WHERE cart_id = $2)
), removed AS (
    DELETE FROM cart_lines l USING accepted WHERE l.cart_id = $1 AND l.variant_id = accepted.variant_id
), moved AS (
    INSERT INTO cart_lines AS l (cart_id, variant_id, id, quantity, seen_price, create_time)
    SELECT $2, variant_id, id, quantity, seen_price, create_time FROM accepted
    ON CONFLICT (cart_id, variant_id) DO UPDATE SET quantity = greatest(l.quantity, excluded.quantity)
)
SELECT (SELECT count(*) FROM incoming) = (SELECT count(*) FROM accepted)
"""  # noqa: S608 - built from constants
_END_MERGED = """
WITH source AS (
    UPDATE carts SET state = 'MERGED', merged_into = $2, order_id = NULL, version = version + 1, update_time = $3, expire_time = $4
    WHERE id = $1 RETURNING *
), earlier AS (
    UPDATE carts m SET merged_into = $2 FROM source s WHERE m.account_id = s.account_id AND m.merged_into = $1
)
UPDATE carts t SET
    version = t.version + 1, update_time = $3,
    currency = coalesce(nullif(t.currency, ''), s.currency),
    shipping_address = coalesce(t.shipping_address, s.shipping_address),
    billing_address = coalesce(t.billing_address, s.billing_address),
    shipping_method_id = coalesce(t.shipping_method_id, s.shipping_method_id),
    note = coalesce(nullif(t.note, ''), s.note)
FROM source s WHERE t.id = $2
"""
_CHANGE_OWNER = """
UPDATE carts SET account_id = $2, version = CASE WHEN state = 'OPEN' THEN version + 1 ELSE version END WHERE account_id = $1
"""
_FORGET_REQUESTS = "DELETE FROM cart_requests WHERE account_id = $1"
_ERASE = "DELETE FROM carts WHERE account_id = $1"


class PostgresMovingStore:
    """`ports.MovingStore` on PostgreSQL."""

    async def lock_open(self, tx: Transaction, account_ids: Sequence[UUID]) -> dict[UUID, CartHead]:
        """At most one cart per account."""
        rows = await tx.fetch(_LOCK_OPEN, list(account_ids))
        return {row["account_id"]: _head(row) for row in rows}

    async def lock_ordered(self, tx: Transaction, order_ids: Mapping[UUID, UUID]) -> list[CartHead]:
        """Ids of carts sort by creation time."""
        rows = await tx.fetch(_LOCK_ORDERED, list(order_ids), list(order_ids.values()))
        return [_head(row) for row in reversed(rows)]

    async def reopen(
        self, tx: Transaction, cart_ids: Sequence[UUID], now: datetime, expire_time: datetime
    ) -> None:
        """One statement."""
        try:
            await tx.execute(_REOPEN, list(cart_ids), now, expire_time)
        except UniqueViolation as error:
            raise _opened_concurrently() from error

    async def merge_lines(self, tx: Transaction, source_id: UUID, target_id: UUID) -> bool:
        """Moved lines keep their ids, and prices that were seen."""
        return bool(await tx.fetchval(_MERGE_LINES, source_id, target_id))

    async def end_merged(
        self, tx: Transaction, source_id: UUID, target_id: UUID, now: datetime, expire_time: datetime
    ) -> None:
        """The target's own values win."""
        await tx.execute(_END_MERGED, source_id, target_id, now, expire_time)

    async def cancelled_orders(
        self, tx: Transaction, after: Position, limit: int
    ) -> tuple[Sequence[Order], Position | None]:
        """Reads at most `limit` entries of the index, however many of their carts were reopened."""
        page = await tx.fetch(_CANCELLED, *after, limit)
        orders = await read_orders(tx, [row for row in page if row["is_ordered"]])
        return orders, (page[-1]["update_time"], page[-1]["id"]) if len(page) == limit else None

    async def change_owner(self, tx: Transaction, from_id: UUID, to_id: UUID) -> None:
        """The idempotency keys of the former owner are forgotten: they may be the new owner's too."""
        try:
            await tx.execute(_CHANGE_OWNER, from_id, to_id)
        except UniqueViolation as error:
            raise _opened_concurrently() from error
        await tx.execute(_FORGET_REQUESTS, from_id)

    async def erase(self, tx: Transaction, account_id: UUID) -> None:
        """Lines are deleted with their carts."""
        await tx.execute(_ERASE, account_id)
        await tx.execute(_FORGET_REQUESTS, account_id)


def _head(row: Record) -> CartHead:
    return CartHead(row["id"], row["account_id"], row["currency"])


def _opened_concurrently() -> DatabaseContention:
    return DatabaseContention("the account opened another cart")
