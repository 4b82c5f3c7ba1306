"""Reads and writes the guests among `accounts`; `accounts.store` writes what guests have in common with other accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from account.accounts.domain import Account
from account.accounts.errors import EmailTaken
from account.accounts.store import COLUMNS, account_of, sorted_words
from account.guests.domain import DueGuest
from kit.db import Database, Transaction, UniqueViolation

# An empty list of words: the search of accounts finds no guest.
_ADD = """
INSERT INTO accounts (id, name, email, phone, role, email_verified, password_hash, create_time, update_time, words, guest, guest_due_time)
VALUES ($1, '', NULL, '', 'USER', false, '', $2, $2, array_to_tsvector('{}'), true, $3)
"""
_GUEST: Final = "guest AND delete_time IS NULL"
# NO KEY, so that rows with a foreign key to the account can be inserted concurrently.
_LOCK = f"SELECT {COLUMNS} FROM accounts WHERE id = $1 AND {_GUEST} FOR NO KEY UPDATE"  # noqa: S608
_LOCK_PAIR = f"""
SELECT {COLUMNS} FROM accounts WHERE id IN ($1, $2) AND delete_time IS NULL ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608
_SET_CONTACT = "UPDATE accounts SET name = $2, contact_email = $3, phone = $4, update_time = $5 WHERE id = $1"
_REGISTER = """
UPDATE accounts SET guest = false, name = $2, email = $3, contact_email = '', phone = $4, email_verified = false, password_hash = $5,
    update_time = $6, words = array_to_tsvector($7::text[])
WHERE id = $1
"""
_MERGED_INTO = "SELECT merged_into FROM accounts WHERE id = $1"
_MERGE = """
WITH tokens AS (
    DELETE FROM refresh_tokens USING sessions WHERE session_id = sessions.id AND account_id = $1
)
UPDATE accounts SET name = '', contact_email = '', phone = '', update_time = $3, delete_time = $3, merged_into = $2, guest_due_time = NULL
WHERE id = $1
"""
# Sessions are kept for 30 days after they ended: a guest without any was not used for longer.
_DUE = f"""
SELECT id, coalesce((
    SELECT max(t.create_time) FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id WHERE s.account_id = a.id
), create_time) AS use_time
FROM accounts a WHERE {_GUEST} AND guest_due_time <= $1 ORDER BY guest_due_time LIMIT $2
"""  # noqa: S608
_POSTPONE = f"""
UPDATE accounts SET guest_due_time = d.time FROM unnest($1::uuid[], $2::timestamptz[]) AS d(id, time)
WHERE accounts.id = d.id AND {_GUEST}
"""  # noqa: S608


class PostgresGuestStore:
    """`ports.GuestStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add_guest(self, tx: Transaction, guest: Account, due_time: datetime) -> None:
        """Inserts a guest."""
        await tx.execute(_ADD, guest.id, guest.create_time, due_time)

    async def lock_guest(self, tx: Transaction, account_id: UUID) -> Account | None:
        """Locks a guest until the transaction ends."""
        row = await tx.fetchrow(_LOCK, account_id)
        return account_of(row) if row else None

    async def set_contact(self, tx: Transaction, guest: Account) -> None:
        """Keeps the email null, so that no look-up by email finds a guest."""
        await tx.execute(_SET_CONTACT, guest.id, guest.name, guest.email, guest.phone, guest.update_time)

    async def register_guest(self, tx: Transaction, account: Account, password_hash: str) -> None:
        """The unique index decides between concurrent registrations of one address."""
        words = sorted_words(account.name, account.email, account.phone)
        fields = (account.name, account.email, account.phone, password_hash, account.update_time, words)
        try:
            await tx.execute(_REGISTER, account.id, *fields)
        except UniqueViolation as error:
            raise EmailTaken() from error

    async def lock_pair(
        self, tx: Transaction, guest_id: UUID, into_id: UUID
    ) -> tuple[Account | None, Account | None]:
        """Locks in id order to avoid deadlocks."""
        rows = await tx.fetch(_LOCK_PAIR, guest_id, into_id)
        accounts = {row["id"]: account_of(row) for row in rows}
        guest, into = accounts.get(guest_id), accounts.get(into_id)
        return guest if guest and guest.guest else None, into if into and not into.guest else None

    async def merged_into(self, tx: Transaction, guest_id: UUID) -> UUID | None:
        """The account that a guest was merged into."""
        into: UUID | None = await tx.fetchval(_MERGED_INTO, guest_id)
        return into

    async def merge_guest(self, tx: Transaction, guest_id: UUID, into_id: UUID, now: datetime) -> None:
        """Keeps the row, without personal data, for the rows that refer to it."""
        await tx.execute(_MERGE, guest_id, into_id, now)

    async def due_guests(self, now: datetime, limit: int) -> Sequence[DueGuest]:
        """One statement, by the index of due guests."""
        return [DueGuest(row["id"], row["use_time"]) for row in await self._db.fetch(_DUE, now, limit)]

    async def postpone_guests(self, times: Mapping[UUID, datetime]) -> None:
        """One statement."""
        if times:
            await self._db.execute(_POSTPONE, list(times), list(times.values()))
