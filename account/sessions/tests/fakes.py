"""The fake of the port of sessions."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from account.accounts.domain import Account
from account.sessions.domain import RefreshToken, Session
from account.tests.rows import Rows, StoredToken
from kit.auth import Role
from kit.db import Transaction


class FakeSessionStore(Rows):
    """In memory."""

    async def add_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        self.sessions[session.id] = session
        self.tokens[refresh_hash] = StoredToken(session.id, session.refresh_expire_time)

    async def lock_refresh_token(
        self, tx: Transaction, refresh_hash: bytes
    ) -> tuple[RefreshToken, Account] | None:
        if refresh_hash not in self.tokens:
            return None
        token = self.tokens[refresh_hash]
        session = self.sessions[token.session_id]
        successors = [stored for stored in self.tokens.values() if stored.parent == refresh_hash]
        refresh = RefreshToken(
            session_id=session.id,
            account_id=session.account_id,
            session_expire_time=session.expire_time,
            session_revoked=session.id in self.revoked,
            expire_time=token.expire_time,
            use_time=token.use_time,
            seed=token.seed,
            successor_expire_time=successors[0].expire_time if successors else None,
            successor_used=any(stored.use_time for stored in successors),
        )
        return refresh, self.accounts[session.account_id].account

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
        used = self.tokens[used_hash]
        self.tokens[used_hash] = replace(used, use_time=now, seed=seed)
        self.tokens[next_hash] = StoredToken(used.session_id, expire_time, parent=used_hash)

    async def revoke_session(self, tx: Transaction, session_id: UUID, now: datetime) -> bool:
        if session_id in self.revoked:
            return False
        self.revoked[session_id] = now
        return True

    async def revoke_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> list[UUID]:
        revoked = [
            session.id
            for session in self.sessions.values()
            if session.account_id == account_id
            and session.expire_time > now
            and session.id not in self.revoked
        ]
        self.revoked |= dict.fromkeys(revoked, now)
        self.delete_links_of(account_id)
        return sorted(revoked)

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        session = self.sessions.get(session_id)
        if session is None or session_id in self.revoked or session.account_id != account_id:
            return None
        if session.expire_time <= now or account_id not in self.accounts:
            return None
        return self.accounts[account_id].account.role
