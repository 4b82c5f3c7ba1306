"""The only reader and writer of the account service's tables."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from account.domain import Account, AuditEvent, Session
from account.errors import EmailTaken
from account.tables import AuditEventRow, RefreshTokenRow, SessionRow
from kit.auth import Role
from kit.db import Database, Record, Transaction
from kit.values import AUDIT

_COLUMNS = "id, name, email, phone, role, email_verified, create_time, update_time"

_ADD = """
INSERT INTO accounts (id, name, email, phone, role, email_verified, password_hash, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (email) WHERE delete_time IS NULL DO NOTHING RETURNING id
"""
_UPDATE = "UPDATE accounts SET name = $2, phone = $3, role = $4, email_verified = $5, update_time = $6 WHERE id = $1"
_LOCK_BY_EMAIL = f"SELECT {_COLUMNS} FROM accounts WHERE email = $1 AND delete_time IS NULL FOR UPDATE"  # noqa: S608
_CREDENTIALS = f"SELECT {_COLUMNS}, password_hash FROM accounts WHERE email = $1 AND delete_time IS NULL"  # noqa: S608
_GET_MANY = f"SELECT {_COLUMNS} FROM accounts WHERE id = ANY($1::uuid[]) AND delete_time IS NULL"  # noqa: S608
_SESSION_ROLE = """
SELECT a.role FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id = $1 AND a.id = $2 AND s.end_time IS NULL AND s.expire_time > $3 AND a.delete_time IS NULL
"""
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


class PostgresAccountStore:
    """Accounts in PostgreSQL."""

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
        )
        if added is None:
            raise EmailTaken()

    async def update(self, tx: Transaction, account: Account) -> None:
        """Writes name, phone, role and times."""
        await tx.execute(
            _UPDATE,
            account.id,
            account.name,
            account.phone,
            account.role.value,
            account.email_verified,
            account.update_time,
        )

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        """The living account of an address, locked until the transaction ends."""
        row = await tx.fetchrow(_LOCK_BY_EMAIL, email)
        return _account(row) if row else None

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The living account of an address and its password hash."""
        # A NUL is the one character that PostgreSQL's text cannot hold; no address has it.
        row = await self._db.fetchrow(_CREDENTIALS, email.replace("\0", ""))
        return (_account(row), row["password_hash"]) if row else None

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        """The living accounts among the ids."""
        return [_account(row) for row in await self._db.fetch(_GET_MANY, list(ids))]

    async def begin_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        """Writes a session and its first refresh token."""
        await tx.run(
            SessionRow.insert(
                SessionRow(
                    id=session.id,
                    account_id=session.account_id,
                    create_time=session.create_time,
                    expire_time=session.expire_time,
                )
            )
        )
        await tx.run(
            RefreshTokenRow.insert(
                RefreshTokenRow(
                    hash=refresh_hash,
                    session_id=session.id,
                    create_time=session.create_time,
                    expire_time=session.refresh_expire_time,
                )
            )
        )

    async def end_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Ends every session of an account."""
        await tx.run(
            SessionRow.update({SessionRow.end_time: now}).where(
                (SessionRow.account_id == account_id) & SessionRow.end_time.is_null()
            )
        )

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        """The role that the account has now; None when the session has ended or the account is gone."""
        role = await self._db.fetchval(_SESSION_ROLE, session_id, account_id, now)
        return Role(role) if role else None

    async def audit(self, tx: Transaction, event: AuditEvent, now: datetime) -> None:
        """Writes an audit row."""
        await tx.run(
            AuditEventRow.insert(
                AuditEventRow(
                    id=AUDIT.new(),
                    time=now,
                    action=event.action,
                    actor_id=event.actor_id,
                    subject_id=event.subject_id,
                    address=event.address,
                    detail=event.detail,
                )
            )
        )

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


def _account(row: Record) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        role=Role(row["role"]),
        email_verified=row["email_verified"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
