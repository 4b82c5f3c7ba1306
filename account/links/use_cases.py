"""Requesting and using mailed links. A request does not reveal whether an address has an account."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from account.accounts.domain import Account, normalize_email
from account.accounts.ports import AccountStore
from account.attempts.use_cases import CountedLimit
from account.audit.domain import AuditEvent
from account.audit.use_cases import AuditLog
from account.credentials.domain import new_password
from account.credentials.guessing import PasswordGuesses
from account.credentials.ports import CredentialStore
from account.credentials.use_cases import NewPasswords
from account.links.domain import Purpose
from account.links.errors import LinkInvalid
from account.links.tokens import LinkTokens
from account.sessions.errors import SessionRevoked
from account.sessions.use_cases import Sessions
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention, run_with_contention_retries
from kit.values import Clock, client_network

_AUDIT_ACTIONS: Final = {
    Purpose.PASSWORD_RESET: "account.reset_password",
    Purpose.EMAIL_VERIFICATION: "account.verify_email",
}


class LinkMailer:
    """Requests mails with links from the notification service. `limits` are for the mails to one subject."""

    def __init__(
        self,
        db: Database,
        accounts: AccountStore,
        tokens: LinkTokens,
        audit: AuditLog,
        limits: Mapping[Purpose, CountedLimit],
    ) -> None:
        self._db = db
        self._accounts = accounts
        self._tokens = tokens
        self._audit = audit
        self._limits = limits

    async def allows(self, purpose: Purpose, subject: str) -> bool:
        """Counts a mail; false above the limit."""
        return await self._limits[purpose].allows(subject)

    @retry_on_contention
    async def request(self, purpose: Purpose, account_id: UUID, address: str) -> None:
        """Creates a link and emits LinkRequested. Does nothing for a deleted account."""
        async with self._db.transaction() as tx:
            account = await self._accounts.lock(tx, account_id)
            if account is None:
                return
            event = await self._tokens.create(tx, purpose, account)
            action = f"account.request_{purpose.value.lower()}"
            await self._audit.record(tx, AuditEvent(action, None, account.id, address))
            await tx.emit(event)


class LinkUses:
    """Uses links."""

    def __init__(self, accounts: AccountStore, tokens: LinkTokens, audit: AuditLog, clock: Clock) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._audit = audit
        self._clock = clock

    async def owner(self, purpose: Purpose, token: str) -> UUID:
        """The account of a link; raises LinkInvalid."""
        return await self._tokens.owner(purpose, token)

    async def use(
        self, tx: Transaction, purpose: Purpose, token: str, owner_id: UUID, address: str
    ) -> Account:
        """Consumes a link and verifies the email address that received it; raises LinkInvalid.

        Returns the account, locked. Its other links are deleted.
        """
        # Every transaction locks the account first, so two links of an account cannot deadlock.
        account = await self._accounts.lock(tx, owner_id)
        if account is None:
            raise LinkInvalid.at("token")
        await self._tokens.consume(tx, purpose, token, owner_id)
        account, event = account.verify_email(self._clock())
        if event is not None:
            await self._accounts.update(tx, account)
            await tx.emit(event)
        audit = AuditEvent(_AUDIT_ACTIONS[purpose], account.id, account.id, address)
        await self._audit.record(tx, audit)
        return account


class PasswordResetRequests:
    """Requests links that set a password."""

    def __init__(
        self,
        credentials: CredentialStore,
        mailer: LinkMailer,
        network_limit: CountedLimit,
        min_duration: timedelta,
    ) -> None:
        self._credentials = credentials
        self._mailer = mailer
        self._network_limit = network_limit
        self._min_duration = min_duration

    async def request_password_reset(self, email: str, address: str) -> None:
        """Mails a link if an account has the address; raises ResetThrottled. Takes `min_duration` in either case."""
        started = asyncio.get_running_loop().time()
        email = normalize_email(email)
        await self._network_limit.enforce(client_network(address))
        # Counted after the network's limit: rejected requests must not use up the owner's mails.
        allowed = await self._mailer.allows(Purpose.PASSWORD_RESET, email)
        credentials = await self._credentials.credentials(email)
        if credentials is not None and allowed:
            await self._mailer.request(Purpose.PASSWORD_RESET, credentials.account.id, address)
        elapsed = asyncio.get_running_loop().time() - started
        await asyncio.sleep(max(0.0, self._min_duration.total_seconds() - elapsed))


class PasswordResets:
    """Sets passwords by links."""

    def __init__(
        self, db: Database, links: LinkUses, new_passwords: NewPasswords, guesses: PasswordGuesses
    ) -> None:
        self._db = db
        self._links = links
        self._new_passwords = new_passwords
        self._guesses = guesses

    async def reset_password(self, token: str, new: str, address: str) -> None:
        """Sets a password, and revokes every session and link; raises LinkInvalid, InvalidArgument, TooBusy."""
        password = new_password(new, "newPassword")
        # Before the expensive hash, so that made-up tokens are cheap.
        owner_id = await self._links.owner(Purpose.PASSWORD_RESET, token)
        password_hash = await self._new_passwords.hash(password)

        async def reset() -> Account:
            async with self._db.transaction() as tx:
                account = await self._links.use(tx, Purpose.PASSWORD_RESET, token, owner_id, address)
                await self._new_passwords.set(tx, account, password_hash)
            return account

        # Wrong guesses by others must not keep out an owner who reads the account's mail.
        await self._guesses.forgive(await run_with_contention_retries(reset), address)


class EmailVerifications:
    """Verifies email addresses by links."""

    def __init__(
        self,
        db: Database,
        accounts: AccountStore,
        sessions: Sessions,
        mailer: LinkMailer,
        links: LinkUses,
    ) -> None:
        self._db = db
        self._accounts = accounts
        self._sessions = sessions
        self._mailer = mailer
        self._links = links

    async def request_email_verification(self, caller: Principal, address: str) -> None:
        """Mails a link to the caller unless the address is verified; raises SessionRevoked, NotForGuests."""
        caller.reject_guest()
        await self._sessions.current_role(caller)
        accounts = await self._accounts.get_many([caller.account_id])
        if not accounts:
            raise SessionRevoked()
        if accounts[0].email_verified:
            return
        if await self._mailer.allows(Purpose.EMAIL_VERIFICATION, str(caller.account_id)):
            await self._mailer.request(Purpose.EMAIL_VERIFICATION, caller.account_id, address)

    @retry_on_contention
    async def verify_email(self, token: str, address: str) -> Account:
        """Marks the address as verified; raises LinkInvalid."""
        owner_id = await self._links.owner(Purpose.EMAIL_VERIFICATION, token)
        async with self._db.transaction() as tx:
            return await self._links.use(tx, Purpose.EMAIL_VERIFICATION, token, owner_id, address)
