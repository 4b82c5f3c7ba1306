"""The only reader and writer of sessions and refresh tokens. Revoking every session of an account also deletes its mailed links."""

from datetime import datetime
from uuid import UUID

from account.accounts.domain import Account
from account.accounts.store import COLUMNS, account_of
from account.sessions.domain import RefreshToken, Session
from account.tables import RefreshTokenRow, SessionRow
from kit.auth import Role
from kit.db import Database, Transaction

_SESSION_ROLE = """
SELECT a.role FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id = $1 AND a.id = $2 AND s.end_time IS NULL AND s.expire_time > $3 AND a.delete_time IS NULL
"""
_LOCK_SESSION = """
SELECT id, account_id, expire_time, end_time FROM sessions
WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = $1) FOR UPDATE
"""
_STATE = """
SELECT t.expire_time, t.use_time, t.seed, max(next.expire_time) AS successor_expire_time,
    coalesce(bool_or(next.use_time IS NOT NULL), false) AS successor_used
FROM refresh_tokens t LEFT JOIN refresh_tokens next ON next.parent = t.hash
WHERE t.hash = $1 GROUP BY t.hash
"""
_ACCOUNT = f"SELECT {COLUMNS} FROM accounts WHERE id = $1 AND delete_time IS NULL"  # noqa: S608
_MARK_USED = "UPDATE refresh_tokens SET use_time = $2, seed = $3 WHERE hash = $1"
_REVOKE = "UPDATE sessions SET end_time = $2 WHERE id = $1 AND end_time IS NULL RETURNING id"
# The reason can be that an attacker reads the owner's mail, so links mailed earlier must not set a password afterwards.
# Locks in id order to avoid deadlocks.
_REVOKE_ALL = """
WITH locked AS (
    SELECT id FROM sessions WHERE account_id = $1 AND end_time IS NULL AND expire_time > $2 ORDER BY id FOR UPDATE
), links AS (
    DELETE FROM mailed_links WHERE account_id = $1
)
UPDATE sessions SET end_time = $2 FROM locked WHERE sessions.id = locked.id RETURNING sessions.id
"""


class PostgresSessionStore:
    """`ports.SessionStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        """Inserts a session and its first refresh token."""
        row = SessionRow(
            id=session.id,
            account_id=session.account_id,
            create_time=session.create_time,
            expire_time=session.expire_time,
        )
        await tx.run(SessionRow.insert(row))
        await self._add_token(
            tx, session.id, refresh_hash, None, session.create_time, session.refresh_expire_time
        )

    async def lock_refresh_token(
        self, tx: Transaction, refresh_hash: bytes
    ) -> tuple[RefreshToken, Account] | None:
        """Locks the session first; tokens change only under that lock."""
        session = await tx.fetchrow(_LOCK_SESSION, refresh_hash)
        token = await tx.fetchrow(_STATE, refresh_hash) if session else None
        account = await tx.fetchrow(_ACCOUNT, session["account_id"]) if session else None
        if session is None or token is None or account is None:
            return None
        refresh = RefreshToken(
            session_id=session["id"],
            account_id=session["account_id"],
            session_expire_time=session["expire_time"],
            session_revoked=session["end_time"] is not None,
            expire_time=token["expire_time"],
            use_time=token["use_time"],
            seed=token["seed"],
            successor_expire_time=token["successor_expire_time"],
            successor_used=token["successor_used"],
        )
        return refresh, account_of(account)

    async def rotate(
        self,
        tx: Transaction,
        refresh: RefreshToken,
        used_hash: bytes,
        next_hash: bytes,
        seed: str,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        """Marks a token as used, and inserts its successor."""
        await tx.execute(_MARK_USED, used_hash, now, seed)
        await self._add_token(tx, refresh.session_id, next_hash, used_hash, now, expire_time)

    async def revoke_session(self, tx: Transaction, session_id: UUID, now: datetime) -> bool:
        """False when the session was revoked before."""
        return await tx.fetchval(_REVOKE, session_id, now) is not None

    async def revoke_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> list[UUID]:
        """Also deletes the account's mailed links."""
        return [row["id"] for row in await tx.fetch(_REVOKE_ALL, account_id, now)]

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        """The current role of the account; None when the session is revoked or expired, or the account deleted."""
        role = await self._db.fetchval(_SESSION_ROLE, session_id, account_id, now)
        return Role(role) if role else None

    async def _add_token(
        self,
        tx: Transaction,
        session_id: UUID,
        token_hash: bytes,
        parent: bytes | None,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        row = RefreshTokenRow(
            hash=token_hash, session_id=session_id, create_time=now, expire_time=expire_time, parent=parent
        )
        await tx.run(RefreshTokenRow.insert(row))
