"""Sessions: they begin with a sign-in, live on refresh tokens, and end. Whoever may begin one is decided by the credentials' use cases.

Every end is told as SessionEnded in the transaction that ends it: other services honour access tokens without asking here.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from account.domain import Account, AuditEvent
from account.errors import RefreshExpired, TokenEnded
from account.metrics import SESSIONS_ENDED
from account.ports import AuditStore, SessionStore
from account.session_domain import Refresh, Session, SessionEnded, Use, successor
from kit.auth import Principal, Role, TokenIssuer
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import PermissionDenied, Unauthenticated
from kit.values import Clock, secret_token


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lasts: unused, and at most."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account with a pair of tokens of a session; `device_token` is empty unless a password was entered or the account made."""

    account: Account
    access_token: str
    access_token_expire_time: datetime
    refresh_token: str
    refresh_token_expire_time: datetime
    device_token: str = ""


class Sessions:
    """The use cases of sessions."""

    def __init__(
        self,
        db: Database,
        store: SessionStore,
        audit: AuditStore,
        tokens: TokenIssuer,
        lifetimes: Lifetimes,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._audit = audit
        self._tokens = tokens
        self._lifetimes = lifetimes
        self._clock = clock

    async def begin(self, tx: Transaction, account: Account, action: str, address: str) -> SignedIn:
        """Begins a session; `action` is what the audit log calls it."""
        now = self._clock()
        session = Session.begin(account.id, now, idle=self._lifetimes.idle, absolute=self._lifetimes.absolute)
        refresh_token = secret_token()
        await self._store.begin_session(tx, session, digest(refresh_token))
        event = AuditEvent(action, account.id, account.id, address, session_id=session.id)
        await self._audit.audit(tx, event, now)
        access_token, expires = self._tokens.access_token(
            account.id, account.role, session.id, session_end=session.expire_time
        )
        return SignedIn(account, access_token, expires, refresh_token, session.refresh_expire_time)

    @retry_on_contention
    async def refresh(self, refresh_token: str, address: str) -> SignedIn:
        """Exchanges a refresh token; raises TokenEnded and RefreshExpired. One that another client used before ends its session."""
        now = self._clock()
        async with self._db.transaction() as tx:
            found = await self._store.lock_refresh(tx, digest(refresh_token))
            if found is None:
                raise TokenEnded()
            refresh, account = found
            use = refresh.use(now)
            if use in (Use.FRESH, Use.REPEATED):
                return await self._rotate(tx, refresh, account, refresh_token, now)
            if use is Use.STOLEN:
                await self._end(tx, refresh, "account.refresh_token_reused", address)
        raise RefreshExpired() if use is Use.EXPIRED else TokenEnded()

    @retry_on_contention
    async def logout(self, caller: Principal | None, refresh_token: str, address: str) -> None:
        """Ends the session of the refresh token, or the caller's without one; raises Unauthenticated without either."""
        now = self._clock()
        async with self._db.transaction() as tx:
            if refresh_token:
                found = await self._store.lock_refresh(tx, digest(refresh_token))
                if found is not None and not found[0].session_ended:
                    await self._end(tx, found[0], "account.logout", address)
            elif caller is None:
                raise Unauthenticated("sign in first")
            elif await self._store.end_session(tx, caller.session_id, now):
                await self._audit.audit(tx, AuditEvent.by(caller, "account.logout", address), now)
                await tx.emit(self._ended(caller, now))

    async def end_all(self, tx: Transaction, account: Account) -> None:
        """Ends every session of an account and every link mailed to it, in the transaction of what is the reason for it."""
        now = self._clock()
        ended = await self._store.end_sessions(tx, account.id, now)
        expires = now + self._tokens.lifetime
        await tx.emit(*[SessionEnded(session_id, account.id, expires) for session_id in ended])
        SESSIONS_ENDED.inc(len(ended))

    async def current_role(self, principal: Principal) -> Role:
        """The role that a token's account has now; raises TokenEnded when its session or account has ended."""
        role = await self._store.session_role(principal.session_id, principal.account_id, self._clock())
        if role is None:
            raise TokenEnded()
        return role

    async def still_admin(self, principal: Principal) -> None:
        """Raises PermissionDenied unless the account is an ADMIN now, and TokenEnded: a token lasts minutes, a role may end sooner."""
        if await self.current_role(principal) is not Role.ADMIN:
            raise PermissionDenied("only for ADMIN", reason="ADMIN_ONLY")

    async def _rotate(
        self, tx: Transaction, refresh: Refresh, account: Account, used: str, now: datetime
    ) -> SignedIn:
        """The token's one successor: made at its first use, the same one again at a repeat."""
        seed, expire_time = refresh.seed, refresh.successor_expire_time
        if seed is None or expire_time is None:
            seed, expire_time = secret_token(), refresh.next_expiry(now, self._lifetimes.idle)
            following = digest(successor(used, seed))
            await self._store.rotate(tx, refresh, digest(used), following, seed, now, expire_time)
        access_token, expires = self._tokens.access_token(
            account.id, account.role, refresh.session_id, session_end=refresh.session_expire_time
        )
        return SignedIn(account, access_token, expires, successor(used, seed), expire_time)

    async def _end(self, tx: Transaction, refresh: Refresh, action: str, address: str) -> None:
        now = self._clock()
        await self._store.end_session(tx, refresh.session_id, now)
        owner = refresh.account_id
        await self._audit.audit(
            tx, AuditEvent(action, owner, owner, address, session_id=refresh.session_id), now
        )
        await tx.emit(self._ended(refresh, now))

    def _ended(self, whose: Refresh | Principal, now: datetime) -> SessionEnded:
        SESSIONS_ENDED.inc()
        return SessionEnded(whose.session_id, whose.account_id, now + self._tokens.lifetime)


def digest(token: str) -> bytes:
    """How a token is kept: it is random, so that nothing slower than SHA-256 is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
