"""The only reader and writer of mailed links, and of password hashes but for a new account's.

Links that end with every session of their account are deleted by `session_store`.
"""

from datetime import datetime
from uuid import UUID

from account.domain import Account, Purpose
from account.store import COLUMNS, account_of
from account.tables import MailedLinkRow
from kit.db import Database, Transaction

_CREDENTIALS = f"SELECT {COLUMNS}, password_hash FROM accounts WHERE email = $1 AND delete_time IS NULL"  # noqa: S608
_PASSWORD_HASH = "SELECT password_hash FROM accounts WHERE id = $1 AND delete_time IS NULL"  # noqa: S105 - a query
_SET_PASSWORD = "UPDATE accounts SET password_hash = $2 WHERE id = $1"  # noqa: S105 - a statement
_REPLACE_HASH = (
    "UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND delete_time IS NULL"
)
_FORGET_PURPOSE = "DELETE FROM mailed_links WHERE account_id = $1 AND purpose = $2"
_FORGET_LINKS = "DELETE FROM mailed_links WHERE account_id = $1"
_LINK_OWNER = "SELECT account_id FROM mailed_links WHERE hash = $1 AND purpose = $2 AND expire_time > $3"
_TAKE_LINK = "DELETE FROM mailed_links WHERE hash = $1 AND purpose = $2 AND expire_time > $3 RETURNING true"


class PostgresCredentialStore:
    """`ports.CredentialStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The living account of an address and its password hash."""
        row = await self._db.fetchrow(_CREDENTIALS, email)
        return (account_of(row), row["password_hash"]) if row else None

    async def password_hash(self, account_id: UUID) -> str | None:
        """A living account's."""
        found: str | None = await self._db.fetchval(_PASSWORD_HASH, account_id)
        return found

    async def set_password(self, tx: Transaction, account_id: UUID, password_hash: str) -> None:
        """Writes another hash."""
        await tx.execute(_SET_PASSWORD, account_id, password_hash)

    async def replace_hash(self, account_id: UUID, current: str, stronger: str) -> None:
        """A password that was changed in between stays."""
        await self._db.execute(_REPLACE_HASH, account_id, current, stronger)

    async def keep_link(
        self,
        tx: Transaction,
        purpose: Purpose,
        account_id: UUID,
        token_hash: bytes,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        """The last one mailed is the one that counts."""
        await tx.execute(_FORGET_PURPOSE, account_id, purpose.value)
        row = MailedLinkRow(
            hash=token_hash,
            purpose=purpose.value,
            account_id=account_id,
            create_time=now,
            expire_time=expire_time,
        )
        await tx.run(MailedLinkRow.insert(row))

    async def link_owner(self, purpose: Purpose, token_hash: bytes, now: datetime) -> UUID | None:
        """Whose link it is; None when it is unknown, used or expired."""
        owner: UUID | None = await self._db.fetchval(_LINK_OWNER, token_hash, purpose.value, now)
        return owner

    async def take_link(self, tx: Transaction, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        """Of two calls at once one gets it."""
        return bool(await tx.fetchval(_TAKE_LINK, token_hash, purpose.value, now))

    async def forget_links(self, tx: Transaction, account_id: UUID) -> None:
        """Of any purpose."""
        await tx.execute(_FORGET_LINKS, account_id)
