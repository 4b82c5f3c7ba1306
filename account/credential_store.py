"""The only reader and writer of mailed links and counted attempts, and of password hashes but for a new account's."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from account.domain import Account, Purpose
from account.store import COLUMNS, account_of
from account.tables import MailedLinkRow
from kit.db import Database, Transaction

_CREDENTIALS = f"SELECT {COLUMNS}, password_hash FROM accounts WHERE email = $1 AND delete_time IS NULL"  # noqa: S608
_PASSWORD_HASH = "SELECT password_hash FROM accounts WHERE id = $1 AND delete_time IS NULL"  # noqa: S105 - a query
_SET_PASSWORD = "UPDATE accounts SET password_hash = $2 WHERE id = $1"  # noqa: S105 - a statement
_FORGET_LINKS = "DELETE FROM mailed_links WHERE account_id = $1 AND purpose = $2"
_IS_LINK = "SELECT true FROM mailed_links WHERE hash = $1 AND purpose = $2 AND expire_time > $3"
_TAKE_LINK = (
    "DELETE FROM mailed_links WHERE hash = $1 AND purpose = $2 AND expire_time > $3 RETURNING account_id"
)
# A window that has passed begins anew. Subjects are locked in order, so that two logins cannot deadlock.
_COUNT_ATTEMPT = """
INSERT INTO login_attempts AS l (subject, attempts, window_start)
SELECT subject, 1, $2 FROM unnest($1::text[]) AS s(subject) ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET
    attempts = CASE WHEN l.window_start < $3 THEN 1 ELSE l.attempts + 1 END,
    window_start = CASE WHEN l.window_start < $3 THEN $2 ELSE l.window_start END
RETURNING subject, attempts, window_start
"""
_FORGIVE_ATTEMPT = """
WITH locked AS (SELECT subject FROM login_attempts WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE)
UPDATE login_attempts SET attempts = attempts - 1 FROM locked
WHERE login_attempts.subject = locked.subject AND attempts > 0
"""
_FORGET_ATTEMPTS = """
WITH locked AS (SELECT subject FROM login_attempts WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE)
DELETE FROM login_attempts USING locked WHERE login_attempts.subject = locked.subject
"""
_PRUNE_LINKS = "DELETE FROM mailed_links WHERE expire_time < $1"
_PRUNE_ATTEMPTS = """
DELETE FROM login_attempts WHERE subject IN (
    SELECT subject FROM login_attempts WHERE window_start < $1 ORDER BY subject FOR UPDATE SKIP LOCKED
)
"""


class PostgresCredentialStore:
    """`ports.CredentialStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The living account of an address and its password hash."""
        # A NUL is the one character that PostgreSQL's text cannot hold; no address has it.
        row = await self._db.fetchrow(_CREDENTIALS, email.replace("\0", ""))
        return (account_of(row), row["password_hash"]) if row else None

    async def password_hash(self, account_id: UUID) -> str | None:
        """A living account's."""
        found: str | None = await self._db.fetchval(_PASSWORD_HASH, account_id)
        return found

    async def set_password(self, tx: Transaction, account_id: UUID, password_hash: str) -> None:
        """Writes another hash."""
        await tx.execute(_SET_PASSWORD, account_id, password_hash)

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
        await tx.execute(_FORGET_LINKS, account_id, purpose.value)
        row = MailedLinkRow(
            hash=token_hash,
            purpose=purpose.value,
            account_id=account_id,
            create_time=now,
            expire_time=expire_time,
        )
        await tx.run(MailedLinkRow.insert(row))

    async def is_link(self, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        """Whether `take_link` would find it."""
        return bool(await self._db.fetchval(_IS_LINK, token_hash, purpose.value, now))

    async def take_link(
        self, tx: Transaction, purpose: Purpose, token_hash: bytes, now: datetime
    ) -> UUID | None:
        """Of two at once one gets it."""
        taken: UUID | None = await tx.fetchval(_TAKE_LINK, token_hash, purpose.value, now)
        return taken

    async def count_attempt(
        self, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        """Counts one attempt for each subject; answers each one's count and the start of its window, in order."""
        rows = await self._db.fetch(_COUNT_ATTEMPT, list(subjects), now, window_start)
        found = {row["subject"]: (row["attempts"], row["window_start"]) for row in rows}
        return [found[subject] for subject in subjects]

    async def forgive_attempt(self, subjects: Sequence[str]) -> None:
        """Takes one attempt of each subject back."""
        await self._db.execute(_FORGIVE_ATTEMPT, list(subjects))

    async def forget_attempts(self, subjects: Sequence[str]) -> None:
        """Takes all attempts of each subject back."""
        await self._db.execute(_FORGET_ATTEMPTS, list(subjects))

    async def prune_credentials(self, now: datetime, windows_before: datetime) -> None:
        """Links whose time is over, and windows that have passed."""
        await self._db.execute(_PRUNE_LINKS, now)
        await self._db.execute(_PRUNE_ATTEMPTS, windows_before)
