"""What people and operators do with accounts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from account.domain import Account, AuditEvent, Registration, Session
from account.errors import AccountNotFound, BadCredentials, LoginThrottled, TokenEnded
from account.metrics import LOGINS, REGISTRATIONS
from account.ports import AccountStore, Passwords
from kit.auth import Principal, Role, TokenIssuer
from kit.db import Database, Transaction
from kit.values import Clock, secret_token

_WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sessions last, and how many failed logins within 15 minutes are borne."""

    session_idle: timedelta
    session_absolute: timedelta
    failures_per_account: int
    failures_per_address: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account with the tokens of a fresh session."""

    account: Account
    access_token: str
    access_token_expire_time: datetime
    refresh_token: str
    refresh_token_expire_time: datetime


class Accounts:
    """The use cases of accounts."""

    def __init__(
        self,
        db: Database,
        store: AccountStore,
        passwords: Passwords,
        tokens: TokenIssuer,
        *,
        limits: Limits,
        common_passwords: frozenset[str],
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._passwords = passwords
        self._tokens = tokens
        self._limits = limits
        self._common = common_passwords
        self._clock = clock

    async def register(self, *, name: str, email: str, phone: str, password: str, address: str) -> SignedIn:
        """Makes an account with role USER and signs it in; raises InvalidArgument, EmailTaken, TooBusy."""
        registration = Registration.read(
            name=name, email=email, phone=phone, password=password, common=self._common
        )
        password_hash = await self._passwords.hash(registration.password)
        account, fact = Account.register(registration, self._clock())
        async with self._db.transaction() as tx:
            await self._store.add(tx, account, password_hash)
            signed_in = await self._begin_session(tx, account, "account.register", address)
            await tx.emit(fact)
        REGISTRATIONS.inc()
        return signed_in

    async def login(self, *, email: str, password: str, address: str) -> SignedIn:
        """Begins a session; raises BadCredentials for an unknown address and for a wrong password, LoginThrottled, TooBusy.

        The attempt is counted before the password is looked at, and given back when it was right.
        """
        email = email.strip().lower()
        subjects = [_digest("account", email), _digest("address", address)]
        await self._count_attempt(subjects)
        found = await self._store.credentials(email)
        hashed = found[1] if found else None
        right = await self._passwords.matches(password.encode("utf-8", "surrogatepass"), hashed)
        if found is None or not right:
            LOGINS.labels("refused").inc()
            raise BadCredentials()
        async with self._db.transaction() as tx:
            signed_in = await self._begin_session(tx, found[0], "account.login", address)
        await self._store.forgive_attempt(subjects)
        LOGINS.labels("accepted").inc()
        return signed_in

    async def get(self, account_id: UUID, caller: Principal) -> Account:
        """An account for its owner or an ADMIN; raises AccountNotFound."""
        found = await self.get_many([account_id], caller)
        if not found:
            raise AccountNotFound()
        return found[0]

    async def get_many(self, ids: Sequence[UUID], caller: Principal) -> list[Account]:
        """Those of the accounts that the caller may see."""
        allowed = [account_id for account_id in ids if caller.may_act_for(account_id)]
        return await self._store.get_many(allowed) if allowed else []

    async def current_role(self, principal: Principal) -> Role:
        """The role that a token's account has now; raises TokenEnded when its session or account has ended."""
        role = await self._store.session_role(principal.session_id, principal.account_id, self._clock())
        if role is None:
            raise TokenEnded()
        return role

    async def grant_admin(self, email: str) -> Account:
        """Gives the role ADMIN, from the console; every session ends, so that tokens tell the new role. Raises AccountNotFound."""
        now = self._clock()
        async with self._db.transaction() as tx:
            found = await self._store.lock_by_email(tx, email.strip().lower())
            if found is None:
                raise AccountNotFound()
            account, fact = found.grant(Role.ADMIN, now)
            if fact is not None:
                await self._store.update(tx, account)
                await self._store.end_sessions(tx, account.id, now)
                await self._store.audit(
                    tx, AuditEvent("account.grant_admin", None, account.id, "console"), now
                )
                await tx.emit(fact)
        return account

    async def _begin_session(self, tx: Transaction, account: Account, action: str, address: str) -> SignedIn:
        now = self._clock()
        session = Session.begin(
            account.id, now, idle=self._limits.session_idle, absolute=self._limits.session_absolute
        )
        refresh_token = secret_token()
        await self._store.begin_session(tx, session, hashlib.sha256(refresh_token.encode()).digest())
        await self._store.audit(tx, AuditEvent(action, account.id, account.id, address), now)
        access_token, expires = self._tokens.access_token(account.id, account.role, session.id)
        return SignedIn(account, access_token, expires, refresh_token, session.refresh_expire_time)

    async def _count_attempt(self, subjects: Sequence[str]) -> None:
        now = self._clock()
        counted = await self._store.count_attempt(subjects, now, now - _WINDOW)
        allowed = [self._limits.failures_per_account, self._limits.failures_per_address]
        waits = [
            start + _WINDOW - now
            for (count, start), most in zip(counted, allowed, strict=True)
            if count > most
        ]
        if waits:
            LOGINS.labels("throttled").inc()
            raise LoginThrottled(details={"retry_after": max(1, int(max(waits).total_seconds()))})


def _digest(kind: str, subject: str) -> str:
    """Whom an attempt counts for, without keeping the address itself."""
    return kind + ":" + hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
