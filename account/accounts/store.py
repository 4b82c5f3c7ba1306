"""The only writer of the table `accounts`, except for password hashes (`credentials.store`) and missing words (`search.store`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from account.accounts.domain import Account
from account.accounts.errors import EmailTaken
from account.accounts.words import words_of
from kit.auth import Role
from kit.db import Database, Record, Transaction
from kit.values import ACCOUNT

COLUMNS: Final = "id, name, coalesce(email, contact_email) AS email, phone, role, email_verified, create_time, update_time, guest"

_ADD = """
INSERT INTO accounts (id, name, email, phone, role, email_verified, password_hash, create_time, update_time, words)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, array_to_tsvector($10::text[]))
ON CONFLICT (email) WHERE delete_time IS NULL DO NOTHING RETURNING id
"""
_UPDATE = """
UPDATE accounts SET name = $2, phone = $3, role = $4, email_verified = $5, update_time = $6, words = array_to_tsvector($7::text[])
WHERE id = $1
"""
# NO KEY, so that rows with a foreign key to the account can be inserted concurrently.
_LOCK = f"SELECT {COLUMNS} FROM accounts WHERE id = $1 AND delete_time IS NULL FOR NO KEY UPDATE"  # noqa: S608
_LOCK_BY_EMAIL = f"SELECT {COLUMNS} FROM accounts WHERE email = $1 AND delete_time IS NULL FOR NO KEY UPDATE"  # noqa: S608
_ADMINS = "SELECT id FROM accounts WHERE role = 'ADMIN' AND delete_time IS NULL ORDER BY id"
_GET_MANY = f"SELECT {COLUMNS} FROM accounts WHERE id = ANY($1::uuid[]) AND delete_time IS NULL"  # noqa: S608
# Every table with personal data in one statement.
_ERASE = """
WITH account AS (
    UPDATE accounts SET name = '', email = '', contact_email = '', phone = '', password_hash = '', role = 'USER',
        email_verified = false, update_time = $2, delete_time = $2, words = NULL
    WHERE id = $1
), tokens AS (
    DELETE FROM refresh_tokens USING sessions WHERE session_id = sessions.id AND account_id = $1
), devices_of_account AS (
    DELETE FROM devices WHERE account_id = $1
), addresses_of_account AS (
    DELETE FROM addresses WHERE account_id = $1
)
DELETE FROM mailed_links WHERE account_id = $1
"""
# These types contain no personal data.
_PURGE_PUBLISHED_EVENTS = """
DELETE FROM outbox WHERE key = $1
    AND type NOT IN ('souk.account.v1.AccountDeleted', 'souk.account.v1.GuestMerged', 'souk.account.v1.SessionEnded')
"""


class PostgresAccountStore:
    """`ports.AccountStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        """Raises EmailTaken."""
        added = await tx.fetchval(
            _ADD,
            account.id,
            account.name,
            account.email,
            account.phone,
            account.role.value,
            account.email_verified,
            password_hash,
            account.create_time,
            account.update_time,
            sorted_words(account.name, account.email, account.phone),
        )
        if added is None:
            raise EmailTaken()

    async def update(self, tx: Transaction, account: Account) -> None:
        """Writes everything but id, email address and creation time."""
        await tx.execute(
            _UPDATE,
            account.id,
            account.name,
            account.phone,
            account.role.value,
            account.email_verified,
            account.update_time,
            sorted_words(account.name, account.email, account.phone),
        )

    async def lock(self, tx: Transaction, account_id: UUID) -> Account | None:
        """Locks an account until the transaction ends."""
        row = await tx.fetchrow(_LOCK, account_id)
        return account_of(row) if row else None

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        """Locks the account with an email address until the transaction ends."""
        row = await tx.fetchrow(_LOCK_BY_EMAIL, email)
        return account_of(row) if row else None

    async def lock_admins(self, tx: Transaction) -> set[UUID]:
        """Locks in id order to avoid deadlocks. An account that lost the role while we waited for its lock is not returned."""
        return {row["id"] for row in await tx.fetch(_ADMINS + " FOR NO KEY UPDATE")}

    async def admins(self) -> set[UUID]:
        """The ADMINs."""
        return {row["id"] for row in await self._db.fetch(_ADMINS)}

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        """The existing accounts among the ids."""
        return [account_of(row) for row in await self._db.fetch(_GET_MANY, list(ids))]

    async def erase(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Keeps the row, without personal data, for the rows that refer to it."""
        await tx.execute(_ERASE, account_id, now)

    async def purge_published_events(self, tx: Transaction, account_id: UUID) -> None:
        """Keeps events without personal data."""
        await tx.execute(_PURGE_PUBLISHED_EVENTS, ACCOUNT.format(account_id))


def account_of(row: Record) -> Account:
    """The account of a row that has COLUMNS."""
    return Account(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        role=Role(row["role"]),
        email_verified=row["email_verified"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        guest=row["guest"],
    )


def sorted_words(name: str, email: str, phone: str) -> list[str]:
    """The value of the column `words`."""
    return sorted(words_of(name, email, phone))
