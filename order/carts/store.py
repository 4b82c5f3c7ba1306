"""Reads and changes open carts.

An open cart is found by its account (the unique index carts_open). A change of lines locks the cart's row first and looks at the lines in a
second statement, so that it sees what concurrent changes committed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Database, Record, Transaction, transpose
from kit.values import CART, CART_LINE, Money
from order.addresses.rows import address_from_json, address_to_json
from order.carts.domain import (
    MAX_QUANTITY,
    Addition,
    Cart,
    CartChange,
    CartHead,
    CartLine,
    CartState,
    NewLine,
)

CART_COLUMNS = """
SELECT c.*, (SELECT revision FROM pricing_state) AS rules_revision,
    EXISTS (
        SELECT FROM carts m JOIN cart_lines l ON l.cart_id = m.id WHERE m.account_id = c.account_id AND m.merged_into = c.id
    ) AS leaves_lines_out,
    ARRAY(SELECT (id, variant_id, quantity, seen_price) FROM cart_lines WHERE cart_id = c.id ORDER BY id) AS lines
"""
_GET = CART_COLUMNS + "FROM carts c WHERE c.account_id = $1 AND c.state = 'OPEN'"
_FIND = CART_COLUMNS + "FROM carts c WHERE c.id = $1 AND c.account_id = $2"
_RECORD_REQUEST = """
INSERT INTO cart_requests (account_id, request_id, input_hash, create_time) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING input_hash
"""
_REQUEST = "SELECT input_hash FROM cart_requests WHERE account_id = $1 AND request_id = $2"
# A guest who left a contact with an earlier cart has one.
_OPEN = """
INSERT INTO carts (id, account_id, state, currency, version, note, create_time, update_time, expire_time, has_contact)
VALUES ($1, $2, 'OPEN', $3, 1, '', $4, $4, $5, EXISTS (SELECT FROM carts WHERE account_id = $2 AND has_contact))
ON CONFLICT (account_id) WHERE state = 'OPEN' DO UPDATE SET
    version = carts.version + 1, update_time = excluded.update_time, expire_time = excluded.expire_time,
    currency = coalesce(nullif(carts.currency, ''), excluded.currency)
RETURNING id, account_id, currency
"""
_ADD_LINES = f"""
WITH added AS (
    INSERT INTO cart_lines AS l (cart_id, variant_id, id, quantity, seen_price, create_time)
    SELECT $1, w.variant_id, w.id, w.quantity, w.seen_price, $2
    FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::bigint[]) AS w(variant_id, id, quantity, seen_price)
    ON CONFLICT (cart_id, variant_id) DO UPDATE SET
        quantity = least(l.quantity + excluded.quantity, {MAX_QUANTITY}), seen_price = excluded.seen_price
    RETURNING xmax = 0 AS is_new
)
SELECT (SELECT count(*) FROM cart_lines WHERE cart_id = $1) + (SELECT count(*) FROM added WHERE is_new)
"""  # noqa: S608 - built from constants
_LOCK_LINE = """
UPDATE carts c SET version = version + 1, update_time = $3, expire_time = $4
WHERE account_id = $1 AND state = 'OPEN' AND EXISTS (SELECT FROM cart_lines l WHERE l.cart_id = c.id AND l.id = $2)
RETURNING id
"""
_SET_QUANTITY = "UPDATE cart_lines SET quantity = $3 WHERE cart_id = $1 AND id = $2 RETURNING true"
_REMOVE_LINE = """
WITH removed AS (
    DELETE FROM cart_lines WHERE cart_id = $1 AND id = $2 RETURNING id
), emptied AS (
    UPDATE carts SET currency = '' WHERE id = $1 AND NOT EXISTS (SELECT FROM cart_lines WHERE cart_id = $1 AND id <> $2)
)
SELECT true FROM removed
"""
_CHANGE = """
INSERT INTO carts (
    id, account_id, state, currency, version, note, create_time, update_time, expire_time,
    shipping_address, billing_address, shipping_method_id, has_contact
)
VALUES ($1, $2, 'OPEN', '', 1, $6, $3, $3, $4, $7, $8, $9, $10 OR EXISTS (SELECT FROM carts WHERE account_id = $2 AND has_contact))
ON CONFLICT (account_id) WHERE state = 'OPEN' DO UPDATE SET
    version = carts.version + 1, update_time = excluded.update_time, expire_time = excluded.expire_time,
    note = CASE WHEN 'note' = ANY ($5::text[]) THEN excluded.note ELSE carts.note END,
    shipping_address = CASE WHEN 'shipping_address' = ANY ($5) THEN excluded.shipping_address ELSE carts.shipping_address END,
    billing_address = CASE WHEN 'billing_address' = ANY ($5) THEN excluded.billing_address ELSE carts.billing_address END,
    shipping_method_id = CASE WHEN 'shipping_method_id' = ANY ($5) THEN excluded.shipping_method_id ELSE carts.shipping_method_id END,
    has_contact = CASE WHEN 'has_contact' = ANY ($5) THEN excluded.has_contact ELSE carts.has_contact END
"""


class PostgresCartStore:
    """`ports.CartStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, account_id: UUID) -> Cart | None:
        """One statement."""
        row = await self._db.fetchrow(_GET, account_id)
        return cart_from_row(row) if row else None

    async def find(self, cart_id: UUID, account_id: UUID) -> Cart | None:
        """One statement."""
        row = await self._db.fetchrow(_FIND, cart_id, account_id)
        return cart_from_row(row) if row else None

    async def find_request(self, account_id: UUID, request_id: str) -> bytes | None:
        """One statement."""
        stored: bytes | None = await self._db.fetchval(_REQUEST, account_id, request_id)
        return stored

    async def record_request(
        self, tx: Transaction, account_id: UUID, addition: Addition, now: datetime
    ) -> bytes | None:
        """Waits for a concurrent addition with the same key."""
        key = (account_id, addition.request_id)
        if await tx.fetchval(_RECORD_REQUEST, *key, addition.input_hash, now):
            return None
        return bytes(await tx.fetchval(_REQUEST, *key))

    async def open(
        self, tx: Transaction, account_id: UUID, currency: str, now: datetime, expire_time: datetime
    ) -> CartHead:
        """Waits for concurrent changes of the cart."""
        row = await tx.fetchrow(_OPEN, CART.new(), account_id, currency, now, expire_time)
        assert row
        return CartHead(row["id"], row["account_id"], row["currency"])

    async def add_lines(self, tx: Transaction, cart_id: UUID, lines: Sequence[NewLine], now: datetime) -> int:
        """The count does not see the lines that the same statement inserts."""
        rows = ((line.variant_id, CART_LINE.new(), line.quantity, line.price.minor) for line in lines)
        count: int = await tx.fetchval(_ADD_LINES, cart_id, now, *transpose(rows, 4))
        return count

    async def lock_line(
        self, tx: Transaction, account_id: UUID, line_id: UUID, now: datetime, expire_time: datetime
    ) -> UUID | None:
        """The id of the cart."""
        cart_id: UUID | None = await tx.fetchval(_LOCK_LINE, account_id, line_id, now, expire_time)
        return cart_id

    async def set_quantity(self, tx: Transaction, cart_id: UUID, line_id: UUID, quantity: int) -> bool:
        """A cart without lines loses its currency."""
        if quantity:
            return bool(await tx.fetchval(_SET_QUANTITY, cart_id, line_id, quantity))
        return bool(await tx.fetchval(_REMOVE_LINE, cart_id, line_id))

    async def change(
        self, account_id: UUID, change: CartChange, now: datetime, expire_time: datetime
    ) -> None:
        """One statement."""
        await self._db.execute(
            _CHANGE,
            CART.new(),
            account_id,
            now,
            expire_time,
            sorted(change.names),
            change.note,
            address_to_json(change.shipping_address),
            address_to_json(change.billing_address),
            change.shipping_method_id,
            change.has_contact,
        )


def cart_from_row(row: Record) -> Cart:
    """A cart of a row that was selected with CART_COLUMNS."""
    currency = row["currency"]
    lines: list[Any] = row["lines"]
    return Cart(
        id=row["id"],
        account_id=row["account_id"],
        state=CartState(row["state"]),
        currency=currency,
        lines=tuple(
            CartLine(line_id, variant_id, quantity, Money(price, currency))
            for line_id, variant_id, quantity, price in lines
        ),
        has_contact=row["has_contact"],
        shipping_address=address_from_json(row["shipping_address"]),
        billing_address=address_from_json(row["billing_address"]),
        shipping_method_id=row["shipping_method_id"],
        note=row["note"],
        version=row["version"],
        update_time=row["update_time"],
        rules_revision=row["rules_revision"],
        leaves_lines_out=row["leaves_lines_out"],
    )
