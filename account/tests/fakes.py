"""Stand-ins for the account service's ports."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from account.domain import Account, AuditEvent, Session
from account.errors import EmailTaken
from kit.auth import Role
from kit.db import Transaction


class FakeAccountStore:
    """Accounts in memory; shown honest by the store contract."""

    def __init__(self) -> None:
        self.accounts: dict[UUID, tuple[Account, str]] = {}
        self.sessions: dict[UUID, Session] = {}
        self.ended: set[UUID] = set()
        self.refresh_hashes: dict[bytes, UUID] = {}
        self.audits: list[AuditEvent] = []
        self.attempts: dict[str, tuple[int, datetime]] = {}

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        if any(known.email == account.email for known, _ in self.accounts.values()):
            raise EmailTaken()
        self.accounts[account.id] = (account, password_hash)

    async def update(self, tx: Transaction, account: Account) -> None:
        known, password_hash = self.accounts[account.id]
        self.accounts[account.id] = (replace(account, email=known.email), password_hash)

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        return next((account for account, _ in self.accounts.values() if account.email == email), None)

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        return next((found for found in self.accounts.values() if found[0].email == email), None)

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        return [self.accounts[account_id][0] for account_id in ids if account_id in self.accounts]

    async def begin_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        self.sessions[session.id] = session
        self.refresh_hashes[refresh_hash] = session.id

    async def end_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        self.ended |= {session.id for session in self.sessions.values() if session.account_id == account_id}

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        session = self.sessions.get(session_id)
        if session is None or session_id in self.ended or session.account_id != account_id:
            return None
        return self.accounts[account_id][0].role if session.expire_time > now else None

    async def audit(self, tx: Transaction, event: AuditEvent, now: datetime) -> None:
        self.audits.append(event)

    async def count_attempt(
        self, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        for subject in subjects:
            count, start = self.attempts.get(subject, (0, now))
            self.attempts[subject] = (1, now) if start < window_start else (count + 1, start)
        return [self.attempts[subject] for subject in subjects]

    async def forgive_attempt(self, subjects: Sequence[str]) -> None:
        for subject in subjects:
            count, start = self.attempts[subject]
            self.attempts[subject] = (max(0, count - 1), start)


class FakePasswords:
    """Hashes by writing backwards; counts how often it was asked."""

    def __init__(self) -> None:
        self.compared = 0

    async def hash(self, password: bytes) -> str:
        return password[::-1].hex()

    async def matches(self, password: bytes, password_hash: str | None) -> bool:
        self.compared += 1
        return password_hash == password[::-1].hex()
