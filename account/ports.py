"""What the use cases need of the outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from account.domain import Account, AuditEvent, Session
from kit.auth import Role
from kit.db import Transaction


class AccountStore(Protocol):
    """Accounts and their sessions. Methods without `tx` are one statement each."""

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        """Raises EmailTaken."""

    async def update(self, tx: Transaction, account: Account) -> None:
        """Writes name, phone, role and times."""

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        """The living account of an address, locked until the transaction ends."""

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The living account of an address and its password hash."""

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        """The living accounts among the ids."""

    async def begin_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        """Writes a session and its first refresh token."""

    async def end_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Ends every session of an account."""

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        """The role that the account has now; None when the session has ended or the account is gone."""

    async def audit(self, tx: Transaction, event: AuditEvent, now: datetime) -> None:
        """Writes an audit row."""

    async def count_attempt(
        self, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        """Counts one attempt for each subject; answers each one's count and the start of its window, in order."""

    async def forgive_attempt(self, subjects: Sequence[str]) -> None:
        """Takes one attempt of each subject back."""


class Passwords(Protocol):
    """Hashes passwords, off the event loop; raises TooBusy."""

    async def hash(self, password: bytes) -> str:
        """A fresh salted hash."""

    async def matches(self, password: bytes, password_hash: str | None) -> bool:
        """Whether the password is the hashed one; without a hash it takes as long and says no."""
