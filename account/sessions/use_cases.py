"""Starting, refreshing and revoking sessions. Who may start one is decided by `account.credentials`.

Revoking emits SessionEnded in the same transaction: other services verify access tokens without calling this service.
"""

from datetime import datetime

from account.accounts.domain import Account
from account.audit.domain import AuditEvent
from account.audit.use_cases import AuditLog
from account.metrics import SESSIONS_REVOKED
from account.sessions.domain import AuthResult, RefreshToken, SessionEnded, TokenUse, hash_token, successor
from account.sessions.errors import RefreshExpired, SessionRevoked
from account.sessions.ports import SessionStore
from account.sessions.tokens import SessionTokens
from kit.auth import AdminRequired, Principal, Role
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import Unauthenticated
from kit.values import Clock, secret_token


class Sessions:
    """The use cases of sessions."""

    def __init__(
        self, db: Database, store: SessionStore, audit: AuditLog, tokens: SessionTokens, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._audit = audit
        self._tokens = tokens
        self._clock = clock

    async def start(self, tx: Transaction, account: Account, action: str | None, address: str) -> AuthResult:
        """Starts a session; the audit log records it as `action`, if there is one."""
        session = self._tokens.start_session(account.id, self._clock())
        refresh_token = secret_token()
        await self._store.add_session(tx, session, hash_token(refresh_token))
        if action is not None:
            audit = AuditEvent(action, account.id, account.id, address, session_id=session.id)
            await self._audit.record(tx, audit)
        return self._tokens.issue(
            account, session.id, session.expire_time, refresh_token, session.refresh_expire_time
        )

    @retry_on_contention
    async def refresh(self, refresh_token: str, address: str) -> AuthResult:
        """Exchanges a refresh token; raises SessionRevoked, RefreshExpired. Reuse after another client's use revokes the session."""
        now = self._clock()
        async with self._db.transaction() as tx:
            locked = await self._store.lock_refresh_token(tx, hash_token(refresh_token))
            if locked is None:
                raise SessionRevoked()
            refresh, account = locked
            use = refresh.classify_use(now)
            if use in (TokenUse.FRESH, TokenUse.REPEATED):
                return await self._rotate(tx, refresh, account, refresh_token, now)
            if use is TokenUse.REUSED:
                await self._revoke(tx, refresh, "account.refresh_token_reused", address)
        raise RefreshExpired() if use is TokenUse.EXPIRED else SessionRevoked()

    @retry_on_contention
    async def logout(self, caller: Principal | None, refresh_token: str, address: str) -> None:
        """Revokes the session of the refresh token, or else the caller's; raises Unauthenticated without either."""
        async with self._db.transaction() as tx:
            if refresh_token:
                locked = await self._store.lock_refresh_token(tx, hash_token(refresh_token))
                if locked is not None and not locked[0].session_revoked:
                    await self._revoke(tx, locked[0], "account.logout", address)
            elif caller is None:
                raise Unauthenticated("sign in first")
            else:
                await self._revoke_own(tx, caller, address)

    async def revoke_all(self, tx: Transaction, account: Account) -> None:
        """Revokes every session of an account and every link mailed to it, in the transaction of the change that requires it."""
        now = self._clock()
        revoked = await self._store.revoke_sessions(tx, account.id, now)
        expire_time = now + self._tokens.access_lifetime
        await tx.emit(*[SessionEnded(session_id, account.id, expire_time) for session_id in revoked])
        SESSIONS_REVOKED.inc(len(revoked))

    async def current_role(self, principal: Principal) -> Role:
        """The current role of a token's account; raises SessionRevoked, also for a deleted account."""
        role = await self._store.session_role(principal.session_id, principal.account_id, self._clock())
        if role is None:
            raise SessionRevoked()
        return role

    async def require_admin(self, principal: Principal) -> None:
        """Raises AdminRequired unless the account is an ADMIN now, and SessionRevoked: a token can outlive the role by minutes."""
        if await self.current_role(principal) is not Role.ADMIN:
            raise AdminRequired()

    async def _rotate(
        self, tx: Transaction, refresh: RefreshToken, account: Account, token: str, now: datetime
    ) -> AuthResult:
        """Creates the token's successor at its first use, and returns the same successor for a repetition."""
        seed, expire_time = refresh.seed, refresh.successor_expire_time
        if seed is None or expire_time is None:
            seed, expire_time = secret_token(), self._tokens.successor_expiry(refresh, now)
            next_hash = hash_token(successor(token, seed))
            await self._store.rotate(tx, refresh, hash_token(token), next_hash, seed, now, expire_time)
        return self._tokens.issue(
            account, refresh.session_id, refresh.session_expire_time, successor(token, seed), expire_time
        )

    async def _revoke(self, tx: Transaction, refresh: RefreshToken, action: str, address: str) -> None:
        now, owner = self._clock(), refresh.account_id
        await self._store.revoke_session(tx, refresh.session_id, now)
        audit = AuditEvent(action, owner, owner, address, session_id=refresh.session_id)
        await self._audit.record(tx, audit)
        await tx.emit(self._revoked(refresh, now))

    async def _revoke_own(self, tx: Transaction, caller: Principal, address: str) -> None:
        now = self._clock()
        if await self._store.revoke_session(tx, caller.session_id, now):
            await self._audit.record(tx, AuditEvent.by(caller, "account.logout", address))
            await tx.emit(self._revoked(caller, now))

    def _revoked(self, session: RefreshToken | Principal, now: datetime) -> SessionEnded:
        SESSIONS_REVOKED.inc()
        return SessionEnded(session.session_id, session.account_id, now + self._tokens.access_lifetime)
