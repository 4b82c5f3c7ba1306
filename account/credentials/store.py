"""The only reader and writer of password hashes, except that `accounts.store` inserts the first one of an account."""

from uuid import UUID

from account.accounts.store import COLUMNS, account_of
from account.credentials.domain import Credentials
from kit.db import Database, Record, Transaction

_CREDENTIALS = f"SELECT {COLUMNS}, password_hash FROM accounts WHERE email = $1 AND delete_time IS NULL"  # noqa: S608
# NO KEY, so that rows with a foreign key to the account can be inserted concurrently.
_LOCK = (
    f"SELECT {COLUMNS}, password_hash FROM accounts WHERE id = $1 AND delete_time IS NULL FOR NO KEY UPDATE"  # noqa: S608
)
_PASSWORD_HASH = "SELECT password_hash FROM accounts WHERE id = $1 AND delete_time IS NULL"  # noqa: S105 - a query
_SET_PASSWORD = "UPDATE accounts SET password_hash = $2 WHERE id = $1"  # noqa: S105 - a statement
_REPLACE_HASH = (
    "UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND delete_time IS NULL"
)


class PostgresCredentialStore:
    """`ports.CredentialStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def credentials(self, email: str) -> Credentials | None:
        """The account with an email address."""
        return _credentials(await self._db.fetchrow(_CREDENTIALS, email))

    async def lock_credentials(self, tx: Transaction, account_id: UUID) -> Credentials | None:
        """Locks the account until the transaction ends."""
        return _credentials(await tx.fetchrow(_LOCK, account_id))

    async def password_hash(self, account_id: UUID) -> str | None:
        """The hash of an account's password."""
        password_hash: str | None = await self._db.fetchval(_PASSWORD_HASH, account_id)
        return password_hash

    async def set_password(self, tx: Transaction, account_id: UUID, password_hash: str) -> None:
        """Writes the hash of a new password."""
        await tx.execute(_SET_PASSWORD, account_id, password_hash)

    async def replace_hash(self, account_id: UUID, current: str, replacement: str) -> None:
        """Does not overwrite a password that changed concurrently."""
        await self._db.execute(_REPLACE_HASH, account_id, current, replacement)


def _credentials(row: Record | None) -> Credentials | None:
    return Credentials(account_of(row), row["password_hash"]) if row else None
