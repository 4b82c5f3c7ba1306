"""Signing in, confirming a password, and changing it.

Responses and their timing do not reveal whether an address has an account (ADR 0023).
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from account.accounts.domain import Account, normalize_email
from account.attempts.domain import Guess
from account.attempts.errors import TooBusy
from account.credentials.domain import Credentials, new_password, password_attempt_bytes
from account.credentials.errors import BadCredentials, WrongPassword
from account.credentials.guessing import PasswordGuesses
from account.credentials.ports import CredentialStore, Passwords
from account.devices.use_cases import Devices
from account.metrics import LOGINS
from account.sessions.domain import AuthResult, hash_token
from account.sessions.errors import SessionRevoked
from account.sessions.use_cases import Sessions
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention, run_with_contention_retries

# A concurrent login may replace an outdated hash during the comparison; then the password is compared with the new hash.
_MAX_COMPARISONS: Final = 2


@dataclass(frozen=True, slots=True)
class _Attempt:
    """`device_token` is empty on an unknown device."""

    email: str
    password: bytes
    address: str
    device_token: str


class Logins:
    """Signs accounts in."""

    def __init__(
        self,
        db: Database,
        store: CredentialStore,
        passwords: Passwords,
        devices: Devices,
        guesses: PasswordGuesses,
    ) -> None:
        self._db = db
        self._store = store
        self._passwords = passwords
        self._devices = devices
        self._guesses = guesses
        self._rehashing: set[UUID] = set()

    async def login(self, *, email: str, password: str, address: str, device_token: str = "") -> AuthResult:
        """Starts a session; raises BadCredentials for an unknown address and for a wrong password, LoginThrottled, TooBusy.

        `device_token` comes from an earlier login or registration on the device; a token of another account is ignored.
        """
        # Only the normalized address is used from here on, so that lookup and limits agree on it.
        email = normalize_email(email)
        credentials = await self._store.credentials(email)
        if not await self._devices.is_known(device_token, credentials.account if credentials else None):
            device_token = ""
        attempt = _Attempt(email, password_attempt_bytes(password), address, device_token)
        limits = (
            self._guesses.limits.of_device(hash_token(device_token).hex())
            if device_token
            else self._guesses.limits.of_login(email, address)
        )
        async with self._guesses.limited(limits) as guess:
            result, password_hash = await self._sign_in(guess, attempt, credentials)
        LOGINS.labels("accepted").inc()
        await self._rehash_if_outdated(result.account.id, password_hash, attempt.password)
        return result

    async def _sign_in(
        self, guess: Guess, attempt: _Attempt, credentials: Credentials | None
    ) -> tuple[AuthResult, str]:
        """Returns the started session and the hash that matched."""
        for _ in range(_MAX_COMPARISONS):
            password_hash = credentials.password_hash if credentials else None
            guess.wrong = not await self._passwords.matches(attempt.password, password_hash, attempt.email)
            if credentials is None or guess.wrong:
                break
            result = await self._start_session(credentials, attempt)
            if result is not None:
                return result, credentials.password_hash
            credentials = await self._store.credentials(attempt.email)
        LOGINS.labels("rejected").inc()
        account_id = credentials.account.id if credentials else None
        await self._guesses.record_wrong("account.login_refused", account_id, attempt.address)
        raise BadCredentials()

    @retry_on_contention
    async def _start_session(self, credentials: Credentials, attempt: _Attempt) -> AuthResult | None:
        """None when the hash changed after the comparison."""
        async with self._db.transaction() as tx:
            account = await _lock_unchanged(
                tx, self._store, credentials.account.id, credentials.password_hash
            )
            if account is None:
                return None
            return await self._devices.start_session(
                tx, account, "account.login", attempt.address, attempt.device_token
            )

    async def _rehash_if_outdated(self, account_id: UUID, current: str, password: bytes) -> None:
        """Replaces a hash of a lower cost. While hashing is busy this is left to a later login."""
        if account_id in self._rehashing or not self._passwords.needs_rehash(current):
            return
        self._rehashing.add(account_id)
        try:
            await self._store.replace_hash(account_id, current, await self._passwords.hash(password))
        except TooBusy:
            return
        finally:
            self._rehashing.discard(account_id)


class OwnerConfirmation:
    """Asks a signed-in caller for their password: an access token alone can be stolen."""

    def __init__(
        self, store: CredentialStore, passwords: Passwords, sessions: Sessions, guesses: PasswordGuesses
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions
        self._guesses = guesses

    async def confirm(self, caller: Principal, password: str, field: str, address: str) -> str:
        """Returns the hash of the password, or nothing for a guest, which has none.

        Raises WrongPassword naming `field`, SessionRevoked, LoginThrottled, TooBusy.

        Wrong passwords count for the session, so that no other client can fill the bucket.
        """
        await self._sessions.current_role(caller)
        if caller.guest:
            return ""
        password_hash = await self._store.password_hash(caller.account_id)
        if password_hash is None:
            raise SessionRevoked()
        async with self._guesses.limited(self._guesses.limits.of_session(caller.session_id)) as guess:
            guess.wrong = not await self._passwords.matches(
                password_attempt_bytes(password), password_hash, caller.account_id
            )
            if guess.wrong:
                await self._guesses.record_wrong("account.password_refused", caller.account_id, address)
                raise WrongPassword.at(field)
        return password_hash


class NewPasswords:
    """Hashes and sets new passwords."""

    def __init__(self, store: CredentialStore, passwords: Passwords, sessions: Sessions) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions

    async def hash(self, password: bytes) -> str:
        """Raises TooBusy."""
        return await self._passwords.hash(password)

    async def set(self, tx: Transaction, account: Account, password_hash: str) -> None:
        """Revokes every session and mailed link of the account."""
        await self._store.set_password(tx, account.id, password_hash)
        await self._sessions.revoke_all(tx, account)


class PasswordChanges:
    """Changes the caller's password."""

    def __init__(
        self,
        db: Database,
        store: CredentialStore,
        confirmation: OwnerConfirmation,
        new_passwords: NewPasswords,
        sessions: Sessions,
    ) -> None:
        self._db = db
        self._store = store
        self._confirmation = confirmation
        self._new_passwords = new_passwords
        self._sessions = sessions

    async def change_password(self, caller: Principal, *, current: str, new: str, address: str) -> AuthResult:
        """Revokes every session and mailed link, and starts a session; raises InvalidArgument and the errors of `confirm`."""
        caller.reject_guest()
        password = new_password(new, "newPassword")
        confirmed = await self._confirmation.confirm(caller, current, "currentPassword", address)
        password_hash = await self._new_passwords.hash(password)

        async def change() -> AuthResult:
            async with self._db.transaction() as tx:
                account = await _lock_unchanged(tx, self._store, caller.account_id, confirmed)
                if account is None:
                    raise BadCredentials()
                await self._new_passwords.set(tx, account, password_hash)
                return await self._sessions.start(tx, account, "account.change_password", address)

        return await run_with_contention_retries(change)


async def _lock_unchanged(
    tx: Transaction, store: CredentialStore, account_id: UUID, password_hash: str
) -> Account | None:
    """Locks an account; None when its password hash changed after the comparison."""
    locked = await store.lock_credentials(tx, account_id)
    return locked.account if locked is not None and locked.password_hash == password_hash else None
