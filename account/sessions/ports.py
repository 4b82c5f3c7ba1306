"""What the use cases of sessions need from their store. A method without `tx` is a single statement."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from account.accounts.domain import Account
from account.sessions.domain import RefreshToken, Session
from kit.auth import Role
from kit.db import Transaction


class SessionStore(Protocol):
    """Sessions and their refresh tokens, which are stored as hashes."""

    async def add_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        """Inserts a session and its first refresh token."""

    async def lock_refresh_token(
        self, tx: Transaction, refresh_hash: bytes
    ) -> tuple[RefreshToken, Account] | None:
        """A refresh token of an existing account; locks its session until the transaction ends."""

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
        """Marks an unused token as used, and inserts its successor."""

    async def revoke_session(self, tx: Transaction, session_id: UUID, now: datetime) -> bool:
        """Revokes a session; false when it was revoked before."""

    async def revoke_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> list[UUID]:
        """Revokes every session of an account, deletes every link mailed to it, and returns the ids of the sessions."""

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        """The current role of the account; None when the session is revoked or expired, or the account deleted."""
