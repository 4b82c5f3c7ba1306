"""Passwords: signing in, confirming that it is the owner who asks, and changing one. Mailed links have use cases of their own.

Whoever guesses is slowed down here, and never learns whether an address is known (ADR 0023).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from account.device_use_cases import Devices
from account.domain import Account, AuditEvent, new_password, normal_email, tried_password
from account.errors import BadCredentials, LoginThrottled, TokenEnded, TooBusy, WrongPassword
from account.metrics import LOGINS
from account.ports import AccountStore, AuditStore, CredentialStore, Passwords
from account.session_use_cases import Sessions, SignedIn, digest
from account.throttle import Brake, Guess, Throttle
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention, run_with_contention_retries
from kit.values import Clock, client_network

# A hash that is replaced while it is compared, by a stronger one of the same password, makes a login compare again.
_TRIES: Final = 2


@dataclass(frozen=True, slots=True)
class GuessLimits:
    """How many wrong passwords are accepted within 15 minutes: for one account from one network, and from one network."""

    per_account: int
    per_network: int

    def of_login(self, email: str, address: str) -> list[Brake]:
        """What a login counts for that no known device makes, the narrowest bucket first."""
        network = client_network(address)
        return [
            Brake("account", f"{email}\0{network}", self.per_account),
            Brake("network", network, self.per_network),
        ]

    def of_device(self, device: str) -> list[Brake]:
        """What a login by a known device counts for."""
        return [Brake("device", device, self.per_account)]

    def of_session(self, session_id: UUID) -> list[Brake]:
        """What a confirmation by a signed-in owner counts for."""
        return [Brake("session", str(session_id), self.per_account)]


class Credentials:
    """The use cases of passwords."""

    def __init__(
        self,
        db: Database,
        store: CredentialStore,
        accounts: AccountStore,
        audit: AuditStore,
        sessions: Sessions,
        devices: Devices,
        passwords: Passwords,
        throttle: Throttle,
        *,
        limits: GuessLimits,
        common_passwords: frozenset[str],
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._accounts = accounts
        self._audit = audit
        self._sessions = sessions
        self._devices = devices
        self._passwords = passwords
        self._throttle = throttle
        self._limits = limits
        self._common = common_passwords
        self._clock = clock
        self._rehashing: set[UUID] = set()

    async def login(self, *, email: str, password: str, address: str, device_token: str = "") -> SignedIn:
        """Begins a session; raises BadCredentials for an unknown address and for a wrong password, LoginThrottled, TooBusy.

        `device_token` is what an earlier login or registration on this device returned; one that is not the account's is ignored.
        """
        # The only form of the address from here on: what is looked up is what is counted.
        email, tried = normal_email(email), tried_password(password)
        found = await self._store.credentials(email)
        is_known = await self._devices.is_known(device_token, found[0] if found else None)
        brakes = (
            self._limits.of_device(digest(device_token).hex())
            if is_known
            else self._limits.of_login(email, address)
        )
        async with self._guessing(brakes) as guess:
            signed_in, known = await self._sign_in(
                guess, email, tried, found, address, device_token if is_known else ""
            )
        LOGINS.labels("accepted").inc()
        await self._strengthen(signed_in.account.id, known, tried)
        return signed_in

    async def confirm(self, caller: Principal, password: str, field: str, address: str) -> str:
        """Makes sure that it is the owner who holds the token, and answers the password's hash; raises WrongPassword naming `field`,
        TokenEnded, LoginThrottled, TooBusy. Wrong ones count for the session, so that no stranger can fill the bucket.
        """
        await self._sessions.current_role(caller)
        known = await self._store.password_hash(caller.account_id)
        if known is None:
            raise TokenEnded()
        async with self._guessing(self._limits.of_session(caller.session_id)) as guess:
            guess.wrong = not await self._passwords.matches(tried_password(password), known)
            if guess.wrong:
                await self._note("account.password_refused", caller.account_id, address)
                raise WrongPassword.at(field)
        return known

    async def change_password(self, caller: Principal, *, current: str, new: str, address: str) -> SignedIn:
        """Sets another password, ends every session and mailed link, begins a session; raises InvalidArgument and what `confirm` raises."""
        password = new_password(new, self._common, "newPassword")
        known = await self.confirm(caller, current, "currentPassword", address)
        password_hash = await self._passwords.hash(password)

        async def change() -> SignedIn:
            async with self._db.transaction() as tx:
                account = await self._unchanged(tx, caller.account_id, known)
                if account is None:
                    raise BadCredentials()
                await self._store.set_password(tx, account.id, password_hash)
                await self._sessions.end_all(tx, account)
                return await self._sessions.begin(tx, account, "account.change_password", address)

        return await run_with_contention_retries(change)

    @asynccontextmanager
    async def _guessing(self, brakes: Sequence[Brake]) -> AsyncIterator[Guess]:
        try:
            async with self._throttle.guess(brakes) as guess:
                yield guess
        except LoginThrottled:
            LOGINS.labels("throttled").inc()
            raise
        except TooBusy:
            LOGINS.labels("busy").inc()
            raise

    async def _sign_in(
        self,
        guess: Guess,
        email: str,
        tried: bytes,
        found: tuple[Account, str] | None,
        address: str,
        device_token: str,
    ) -> tuple[SignedIn, str]:
        """A session, and the hash that the password was compared with."""
        for _ in range(_TRIES):
            guess.wrong = not await self._passwords.matches(tried, found[1] if found else None)
            if found is None or guess.wrong:
                break
            signed_in = await self._begin(found[0].id, found[1], address, device_token)
            if signed_in is not None:
                return signed_in, found[1]
            found = await self._store.credentials(email)
        LOGINS.labels("refused").inc()
        await self._note("account.login_refused", found[0].id if found else None, address)
        raise BadCredentials()

    @retry_on_contention
    async def _begin(self, account_id: UUID, known: str, address: str, device_token: str) -> SignedIn | None:
        """Begins a session of an account whose password was right; None when it has changed since."""
        async with self._db.transaction() as tx:
            account = await self._unchanged(tx, account_id, known)
            if account is None:
                return None
            signed_in = await self._sessions.begin(tx, account, "account.login", address)
            token = await self._devices.signed_in(tx, account.id, device_token)
        return replace(signed_in, device_token=token)

    async def _strengthen(self, account_id: UUID, known: str, password: bytes) -> None:
        """Replaces a hash from when hashing cost less; another login will do it when many wait now."""
        if account_id in self._rehashing or not self._passwords.is_weak(known):
            return
        self._rehashing.add(account_id)
        try:
            await self._store.replace_hash(account_id, known, await self._passwords.hash(password))
        except TooBusy:
            return
        finally:
            self._rehashing.discard(account_id)

    async def _unchanged(self, tx: Transaction, account_id: UUID, known: str) -> Account | None:
        """The account, locked; None when its password was changed after it was compared."""
        found = await self._accounts.lock(tx, account_id)
        return found[0] if found is not None and found[1] == known else None

    @retry_on_contention
    async def _note(self, action: str, account_id: UUID | None, address: str) -> None:
        """For an unknown address too, so that the answer takes as long."""
        async with self._db.transaction() as tx:
            await self._audit.audit(tx, AuditEvent(action, None, account_id, address), self._clock())
