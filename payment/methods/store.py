"""Reads and writes saved methods."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Database, Record, Transaction, transpose
from payment.customers.locks import lock_accounts
from payment.leases.sql import lease_rows
from payment.methods.domain import MethodState, SavedMethod, Usage

# A deleted account keeps a row that says so: nothing is saved for it any more.
_ADD = """
INSERT INTO saved_methods (id, account_id, state, provider_id, payment_id, method_id, brand, last4, exp_month, exp_year, is_default,
    due_time, create_time, update_time)
SELECT n.id, n.account_id, 'PENDING', n.provider_id, n.payment_id, '', '', '', 0, 0, false, n.due_time, n.create_time, n.create_time
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[])
    AS n(id, account_id, provider_id, payment_id, due_time, create_time)
WHERE NOT EXISTS (SELECT FROM provider_customers c WHERE c.account_id = n.account_id AND c.delete_time IS NOT NULL)
ORDER BY n.id
ON CONFLICT DO NOTHING RETURNING id
"""
_SAVE = """
UPDATE saved_methods SET state = $2, method_id = $3, brand = $4, last4 = $5, exp_month = $6, exp_year = $7, is_default = $8, due_time = $9,
    update_time = $10
WHERE id = $1
"""
_LIST = """
SELECT * FROM saved_methods WHERE account_id = ANY($1::uuid[]) AND state = 'SAVED'
ORDER BY account_id, is_default DESC, create_time DESC, id DESC
"""
# Setups of pages that are open count, because each may be saved.
_COUNT = """
SELECT (SELECT count(*) FROM saved_methods WHERE account_id = $1 AND (state = 'SAVED' OR (state = 'PENDING' AND payment_id IS NULL))),
    coalesce((SELECT setups FROM provider_customers WHERE account_id = $1 AND setups_since > $2), 0)
"""
_COUNT_SETUP = """
UPDATE provider_customers SET setups = CASE WHEN setups_since > $3 THEN setups + 1 ELSE 1 END,
    setups_since = CASE WHEN setups_since > $3 THEN setups_since ELSE $2 END
WHERE account_id = $1
"""


class PostgresMethodStore:
    """`ports.MethodStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, methods: Sequence[SavedMethod]) -> set[UUID]:
        """Locks the accounts, so that none is deleted until the methods are written."""
        await lock_accounts(tx, [method.account_id for method in methods])
        rows = ((m.id, m.account_id, m.provider_id, m.payment_id, m.due_time, m.create_time) for m in methods)
        return {row["id"] for row in await tx.fetch(_ADD, *transpose(rows, 6))}

    async def lock_account(self, tx: Transaction, account_id: UUID) -> list[SavedMethod]:
        """Reads under the lock."""
        await lock_accounts(tx, [account_id])
        return [method_from_row(row) for row in await tx.fetch(_LIST, [account_id])]

    async def lock(self, tx: Transaction, method_id: UUID) -> SavedMethod | None:
        """A method, locked until the transaction ends."""
        row = await tx.fetchrow("SELECT * FROM saved_methods WHERE id = $1 FOR UPDATE", method_id)
        return method_from_row(row) if row else None

    async def has_card(self, tx: Transaction, card_id: str) -> bool:
        """Whether some method has the provider's card."""
        sql = "SELECT EXISTS (SELECT FROM saved_methods WHERE method_id = $1 AND method_id <> '')"
        return bool(await tx.fetchval(sql, card_id))

    async def save(self, tx: Transaction, *methods: SavedMethod) -> None:
        """A statement each, in order, because the unique index on defaults is checked row by row; an account has ten."""
        for method in methods:
            await tx.execute(_SAVE, *_columns(method))

    async def delete(self, tx: Transaction, method_id: UUID) -> None:
        """Deletes a method."""
        await tx.execute("DELETE FROM saved_methods WHERE id = $1", method_id)

    async def list_saved(self, account_ids: Sequence[UUID]) -> list[SavedMethod]:
        """The SAVED methods of accounts."""
        return [method_from_row(row) for row in await self._db.fetch(_LIST, list(account_ids))]

    async def lock_usage(self, tx: Transaction, account_id: UUID, since: datetime) -> Usage:
        """Counts under the lock."""
        await lock_accounts(tx, [account_id])
        [row] = await tx.fetch(_COUNT, account_id, since)
        return Usage(*row)

    async def count_setup(self, tx: Transaction, account_id: UUID, now: datetime, since: datetime) -> None:
        """The first one after `since` starts a new count."""
        await tx.execute(_COUNT_SETUP, account_id, now, since)

    async def claim_methods(self, now: datetime, lease: datetime, limit: int) -> Sequence[SavedMethod]:
        """Leases due methods."""
        rows = await self._db.fetch(lease_rows("saved_methods", limit), now, lease)
        return [method_from_row(row) for row in rows]


def method_from_row(row: Record) -> SavedMethod:
    """A method."""
    return SavedMethod(
        id=row["id"],
        account_id=row["account_id"],
        state=MethodState(row["state"]),
        provider_id=row["provider_id"],
        payment_id=row["payment_id"],
        method_id=row["method_id"],
        brand=row["brand"],
        last4=row["last4"],
        exp_month=row["exp_month"],
        exp_year=row["exp_year"],
        is_default=row["is_default"],
        provider_failures=row["provider_failures"],
        attempts=row["attempts"],
        due_time=row["due_time"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )


def _columns(method: SavedMethod) -> tuple[Any, ...]:
    return (
        method.id,
        method.state,
        method.method_id,
        method.brand,
        method.last4,
        method.exp_month,
        method.exp_year,
        method.is_default,
        method.due_time,
        method.update_time,
    )
