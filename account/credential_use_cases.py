"""Passwords and addresses: signing in, changing a password, and the links that are mailed for either.

Whoever guesses is braked here, and never learns whether an address is known.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from account.domain import (
    Account,
    AuditEvent,
    LinkRequested,
    Purpose,
    new_password,
    normal_email,
    tried_password,
)
from account.errors import (
    AccountNotFound,
    BadCredentials,
    LinkInvalid,
    LoginThrottled,
    ResetThrottled,
    TokenEnded,
    TooBusy,
    WrongPassword,
)
from account.metrics import LOGINS
from account.ports import AccountStore, AuditStore, CredentialStore, Passwords, Sealer
from account.session_use_cases import Sessions, SignedIn, digest
from account.throttle import WINDOW, Brake, Throttle
from kit.auth import Principal
from kit.db import Database, Transaction, repeatable, repeated
from kit.values import Clock, secret_token

# Mails of one kind to one account within 15 minutes: enough for somebody who looks for the mail, too few to be a nuisance.
_MAILS_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class CredentialLimits:
    """What is borne within 15 minutes, how long mailed links are good, and how long asking for one takes at least."""

    failures_per_account: int
    failures_per_address: int
    password_reset: timedelta
    email_verification: timedelta
    reset_answer: timedelta


class Credentials:
    """The use cases of passwords and addresses."""

    def __init__(
        self,
        db: Database,
        store: CredentialStore,
        accounts: AccountStore,
        audit: AuditStore,
        sessions: Sessions,
        passwords: Passwords,
        sealer: Sealer,
        *,
        limits: CredentialLimits,
        common_passwords: frozenset[str],
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._accounts = accounts
        self._audit = audit
        self._sessions = sessions
        self._passwords = passwords
        self._sealer = sealer
        self._throttle = Throttle(store, clock)
        self._limits = limits
        self._common = common_passwords
        self._clock = clock

    async def login(self, *, email: str, password: str, address: str) -> SignedIn:
        """Begins a session; raises BadCredentials for an unknown address and for a wrong password, LoginThrottled, TooBusy.

        The attempt is counted before the password is looked at, and given back when it was right, or not looked at after all.
        """
        email, tried = normal_email(email), tried_password(password)
        brakes = self._brakes(email, address)
        await self._brake(brakes)
        found = await self._store.credentials(email)
        known = found[1] if found else None
        right = await self._matches(tried, known, brakes)
        if found is None or not right:
            LOGINS.labels("refused").inc()
            await self._note("account.login_refused", found[0].id if found else None, address)
            raise BadCredentials()
        stronger = await self._stronger(tried, found[1])
        signed_in = await self._begin(found[0].id, found[1], stronger, address)
        await self._throttle.forgive(brakes)
        LOGINS.labels("accepted").inc()
        return signed_in

    async def confirm(self, caller: Principal, password: str, field: str, address: str) -> str:
        """Makes sure that it is the owner who holds the token, and answers the password's hash; raises WrongPassword naming `field`,
        TokenEnded, LoginThrottled, TooBusy. Counts as a login does.
        """
        account = await self._caller(caller)
        known = await self._store.password_hash(caller.account_id)
        if known is None:
            raise TokenEnded()
        brakes = self._brakes(account.email, address)
        await self._brake(brakes)
        if not await self._matches(tried_password(password), known, brakes):
            await self._note("account.password_refused", account.id, address)
            raise WrongPassword.at(field)
        await self._throttle.forgive(brakes)
        return known

    async def change_password(self, caller: Principal, *, current: str, new: str, address: str) -> SignedIn:
        """Sets another password, ends every session and begins one; raises InvalidArgument and what `confirm` raises."""
        password = new_password(new, self._common, "newPassword")
        known = await self.confirm(caller, current, "currentPassword", address)
        password_hash = await self._passwords.hash(password)

        async def change() -> SignedIn:
            async with self._db.transaction() as tx:
                account = await self._unchanged(tx, caller.account_id, known)
                await self._store.set_password(tx, account.id, password_hash)
                await self._sessions.end_all(tx, account)
                return await self._sessions.begin(tx, account, "account.change_password", address)

        return await repeated(change)

    async def request_password_reset(self, email: str, address: str) -> None:
        """Has a link mailed, if somebody has the address; raises ResetThrottled. Takes as long either way."""
        began = asyncio.get_running_loop().time()
        email = normal_email(email)
        brakes = [
            Brake("reset", email, _MAILS_MOST),
            Brake("reset-address", address, self._limits.failures_per_address),
        ]
        too_many, wait = await self._throttle.waits(brakes)
        if wait:
            raise ResetThrottled(details={"retry_after": wait})
        found = await self._store.credentials(email)
        if found and not too_many:
            await self._mail_link(Purpose.PASSWORD_RESET, found[0].id, self._limits.password_reset, address)
        over = began + self._limits.reset_answer.total_seconds() - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, over))

    async def reset_password(self, token: str, new: str, address: str) -> None:
        """Sets a new password by a mailed link, ends every session, takes the address as proven; raises LinkInvalid, InvalidArgument."""
        password, link = new_password(new, self._common, "newPassword"), digest(token)
        # Hashing is dear: not for whoever makes tokens up.
        if not await self._store.is_link(Purpose.PASSWORD_RESET, link, self._clock()):
            raise LinkInvalid.at("token")
        password_hash = await self._passwords.hash(password)

        async def reset() -> Account:
            async with self._db.transaction() as tx:
                found = await self._owner(tx, Purpose.PASSWORD_RESET, link)
                await self._store.set_password(tx, found.id, password_hash)
                account = await self._prove(tx, found)
                await self._sessions.end_all(tx, account)
                event = AuditEvent("account.reset_password", account.id, account.id, address)
                await self._audit.audit(tx, event, self._clock())
            return account

        account = await repeated(reset)
        # Whoever reads the account's mail need not wait for what somebody else guessed.
        await self._throttle.release([Brake("account", account.email, 0)])

    async def request_email_verification(self, caller: Principal, address: str) -> None:
        """Has a link mailed to the caller's address unless it is proven; raises TokenEnded."""
        account = await self._caller(caller)
        if account.email_verified:
            return
        [too_many] = await self._throttle.waits([Brake("verification", str(account.id), _MAILS_MOST)])
        if not too_many:
            lifetime = self._limits.email_verification
            await self._mail_link(Purpose.EMAIL_VERIFICATION, account.id, lifetime, address)

    @repeatable
    async def verify_email(self, token: str, address: str) -> Account:
        """Takes an address as proven by a mailed link; raises LinkInvalid."""
        async with self._db.transaction() as tx:
            found = await self._owner(tx, Purpose.EMAIL_VERIFICATION, digest(token))
            account = await self._prove(tx, found)
            event = AuditEvent("account.verify_email", account.id, account.id, address)
            await self._audit.audit(tx, event, self._clock())
        return account

    async def prune(self) -> None:
        """The sweep: takes away links and counted attempts whose time is over."""
        now = self._clock()
        await self._store.prune_credentials(now, now - WINDOW)

    @repeatable
    async def _begin(self, account_id: UUID, known: str, stronger: str | None, address: str) -> SignedIn:
        """Begins a session of an account whose password was right, and keeps its stronger hash if there is one."""
        async with self._db.transaction() as tx:
            account = await self._unchanged(tx, account_id, known)
            if stronger:
                await self._store.set_password(tx, account.id, stronger)
            return await self._sessions.begin(tx, account, "account.login", address)

    async def _caller(self, caller: Principal) -> Account:
        """The account as it is now; raises TokenEnded when its session or itself has ended."""
        await self._sessions.current_role(caller)
        found = await self._accounts.get_many([caller.account_id])
        if not found:
            raise TokenEnded()
        return found[0]

    async def _stronger(self, password: bytes, known: str) -> str | None:
        """A hash at today's cost of a password that was hashed when it was less; another time will do when many wait."""
        if not self._passwords.is_weak(known):
            return None
        try:
            return await self._passwords.hash(password)
        except TooBusy:
            return None

    async def _unchanged(self, tx: Transaction, account_id: UUID, known: str) -> Account:
        """The account, locked; raises BadCredentials when its password was changed after it was compared."""
        found = await self._accounts.lock(tx, account_id)
        if found is None or found[1] != known:
            raise BadCredentials()
        return found[0]

    async def _owner(self, tx: Transaction, purpose: Purpose, link: bytes) -> Account:
        account_id = await self._store.take_link(tx, purpose, link, self._clock())
        found = await self._accounts.lock(tx, account_id) if account_id else None
        if found is None:
            raise LinkInvalid.at("token")
        return found[0]

    async def _prove(self, tx: Transaction, found: Account) -> Account:
        account, fact = found.prove_email(self._clock())
        if fact is not None:
            await self._accounts.update(tx, account)
            await tx.emit(fact)
        return account

    @repeatable
    async def _mail_link(self, purpose: Purpose, account_id: UUID, lifetime: timedelta, address: str) -> None:
        token, now = secret_token(), self._clock()
        async with self._db.transaction() as tx:
            found = await self._accounts.lock(tx, account_id)
            if found is None:
                raise AccountNotFound()
            await self._store.keep_link(tx, purpose, account_id, digest(token), now, now + lifetime)
            action = f"account.request_{purpose.value.lower()}"
            await self._audit.audit(tx, AuditEvent(action, None, account_id, address), now)
            await tx.emit(LinkRequested(purpose, found[0], self._sealer.seal(token), now + lifetime))

    def _brakes(self, email: str, address: str) -> list[Brake]:
        return [
            Brake("account", email, self._limits.failures_per_account),
            Brake("address", address, self._limits.failures_per_address),
        ]

    async def _brake(self, brakes: list[Brake]) -> None:
        if wait := max(await self._throttle.waits(brakes)):
            LOGINS.labels("throttled").inc()
            raise LoginThrottled(details={"retry_after": wait})

    async def _matches(self, tried: bytes, known: str | None, brakes: list[Brake]) -> bool:
        try:
            return await self._passwords.matches(tried, known)
        except TooBusy:
            # Nothing was guessed: who comes in a storm must not be locked out after it.
            LOGINS.labels("busy").inc()
            await self._throttle.forgive(brakes)
            raise

    @repeatable
    async def _note(self, action: str, account_id: UUID | None, address: str) -> None:
        """For an unknown address too, so that the answer takes as long."""
        async with self._db.transaction() as tx:
            await self._audit.audit(tx, AuditEvent(action, None, account_id, address), self._clock())
