"""Reads and writes the accounts' customers at the provider."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.db import Database, Record, Transaction
from payment.customers.domain import Customer
from payment.customers.locks import lock_accounts
from payment.leases.sql import lease_rows

_SAVE = """
INSERT INTO provider_customers (account_id, provider_id, create_time) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO UPDATE SET provider_id = EXCLUDED.provider_id,
    due_time = CASE WHEN provider_customers.delete_time IS NOT NULL THEN $3 END
WHERE provider_customers.provider_id = ''
"""
_CLOSE = """
INSERT INTO provider_customers (account_id, provider_id, delete_time, create_time)
SELECT id, '', $2, $2 FROM unnest($1::uuid[]) AS id ORDER BY id
ON CONFLICT (account_id) DO UPDATE SET delete_time = $2,
    due_time = CASE WHEN provider_customers.provider_id <> '' THEN $2 END
WHERE provider_customers.delete_time IS NULL
"""
_DELETED = """
UPDATE provider_customers SET due_time = $3, provider_id = CASE WHEN $3::timestamptz IS NULL THEN '' ELSE provider_id END
WHERE account_id = $1 AND attempts = $2 AND due_time IS NOT NULL
"""


class PostgresCustomerStore:
    """`ports.CustomerStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find_customer(self, account_id: UUID) -> Customer | None:
        """The row of an account."""
        row = await self._db.fetchrow("SELECT * FROM provider_customers WHERE account_id = $1", account_id)
        return _customer(row) if row else None

    async def save_customer(self, account_id: UUID, provider_id: str, now: datetime) -> None:
        """One statement."""
        await self._db.execute(_SAVE, account_id, provider_id, now)

    async def close_accounts(self, tx: Transaction, account_ids: Sequence[UUID], now: datetime) -> None:
        """Locks the accounts: a method that is added concurrently is deleted, or finds that its account was deleted."""
        await lock_accounts(tx, account_ids)
        await tx.execute(_CLOSE, list(account_ids), now)
        await tx.execute("DELETE FROM saved_methods WHERE account_id = ANY($1::uuid[])", list(account_ids))

    async def claim_customers(self, now: datetime, lease: datetime, limit: int) -> Sequence[Customer]:
        """Leases customers that are to be deleted."""
        sql = lease_rows("provider_customers", limit, key="account_id")
        return [_customer(row) for row in await self._db.fetch(sql, now, lease)]

    async def customer_deleted(self, customer: Customer, due_time: datetime | None) -> None:
        """One statement; it compares the lease."""
        await self._db.execute(_DELETED, customer.account_id, customer.attempts, due_time)


def _customer(row: Record) -> Customer:
    return Customer(row["account_id"], row["provider_id"], row["delete_time"] is not None, row["attempts"])
