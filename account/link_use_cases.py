"""Links that are mailed to set a password or to prove an address. Asking for one never reveals whether an address is known."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from account.credential_use_cases import GuessLimits
from account.device_use_cases import Devices
from account.domain import Account, AuditEvent, LinkRequested, Purpose, new_password, normal_email
from account.errors import LinkInvalid, ResetThrottled, TokenEnded
from account.ports import AccountStore, AuditStore, CredentialStore, Passwords, Sealer
from account.session_use_cases import Sessions, digest
from account.throttle import Brake, Throttle
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention, run_with_contention_retries
from kit.values import Clock, client_network, secret_token

# Mails of one kind to one account within 15 minutes: enough for a person who looks for the mail, too few to be a nuisance.
_MAX_MAILS: Final = 3


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """How long links are good, how many may be asked for from one network in 15 minutes, and how long asking takes at least."""

    password_reset: timedelta
    email_verification: timedelta
    per_network: int
    reset_answer: timedelta


class Links:
    """The use cases of mailed links."""

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
        sealer: Sealer,
        *,
        limits: LinkLimits,
        guesses: GuessLimits,
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
        self._sealer = sealer
        self._limits = limits
        self._guesses = guesses
        self._common = common_passwords
        self._clock = clock

    async def request_password_reset(self, email: str, address: str) -> None:
        """Has a link mailed, if an account has the address; raises ResetThrottled. Takes as long either way."""
        began = asyncio.get_running_loop().time()
        email = normal_email(email)
        [wait] = await self._throttle.waits(
            [Brake("reset-network", client_network(address), self._limits.per_network)]
        )
        if wait:
            raise ResetThrottled(details={"retry_after": wait})
        # Counted only once the network may ask: refused requests must not use up what the owner may be mailed.
        [too_many] = await self._throttle.waits([Brake("reset", email, _MAX_MAILS)])
        found = await self._store.credentials(email)
        if found and not too_many:
            await self._mail_link(Purpose.PASSWORD_RESET, found[0], self._limits.password_reset, address)
        over = began + self._limits.reset_answer.total_seconds() - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, over))

    async def reset_password(self, token: str, new: str, address: str) -> None:
        """Sets a new password by a mailed link, ends every session and link, and takes the address as proven; raises LinkInvalid,
        InvalidArgument.
        """
        password, link = new_password(new, self._common, "newPassword"), digest(token)
        # Hashing is expensive: not for made-up tokens.
        owner_id = await self._owner(Purpose.PASSWORD_RESET, link)
        password_hash = await self._passwords.hash(password)

        async def reset() -> Account:
            async with self._db.transaction() as tx:
                owner = await self._use(tx, owner_id, Purpose.PASSWORD_RESET, link)
                await self._store.set_password(tx, owner.id, password_hash)
                account = await self._prove(tx, owner)
                await self._sessions.end_all(tx, account)
                event = AuditEvent("account.reset_password", account.id, account.id, address)
                await self._audit.audit(tx, event, self._clock())
            return account

        await self._forgive(await run_with_contention_retries(reset), address)

    async def request_email_verification(self, caller: Principal, address: str) -> None:
        """Has a link mailed to the caller's address unless it is proven; raises TokenEnded."""
        await self._sessions.current_role(caller)
        found = await self._accounts.get_many([caller.account_id])
        if not found:
            raise TokenEnded()
        account = found[0]
        if account.email_verified:
            return
        [too_many] = await self._throttle.waits([Brake("verification", str(account.id), _MAX_MAILS)])
        if not too_many:
            lifetime = self._limits.email_verification
            await self._mail_link(Purpose.EMAIL_VERIFICATION, account, lifetime, address)

    @retry_on_contention
    async def verify_email(self, token: str, address: str) -> Account:
        """Takes an address as proven by a mailed link, and ends every other link; raises LinkInvalid."""
        link = digest(token)
        owner_id = await self._owner(Purpose.EMAIL_VERIFICATION, link)
        async with self._db.transaction() as tx:
            owner = await self._use(tx, owner_id, Purpose.EMAIL_VERIFICATION, link)
            account = await self._prove(tx, owner)
            event = AuditEvent("account.verify_email", account.id, account.id, address)
            await self._audit.audit(tx, event, self._clock())
        return account

    async def _owner(self, purpose: Purpose, link: bytes) -> UUID:
        owner = await self._store.link_owner(purpose, link, self._clock())
        if owner is None:
            raise LinkInvalid.at("token")
        return owner

    async def _use(self, tx: Transaction, owner_id: UUID, purpose: Purpose, link: bytes) -> Account:
        """The owner of a link, locked; it uses the link up and ends the account's other links."""
        # The account's lock first, as everywhere: two links of an account that are used at once wait for each other.
        found = await self._accounts.lock(tx, owner_id)
        if found is None or not await self._store.take_link(tx, purpose, link, self._clock()):
            raise LinkInvalid.at("token")
        await self._store.forget_links(tx, owner_id)
        return found[0]

    async def _prove(self, tx: Transaction, found: Account) -> Account:
        account, fact = found.prove_email(self._clock())
        if fact is not None:
            await self._accounts.update(tx, account)
            await tx.emit(fact)
        return account

    async def _forgive(self, account: Account, address: str) -> None:
        """Whoever reads the account's mail need not wait for what was guessed, neither here nor on a device of theirs."""
        brakes = self._guesses.of_login(account.email, address)[:1]
        for device in await self._devices.subjects(account.id):
            brakes += self._guesses.of_device(device)
        await self._throttle.release(brakes)

    @retry_on_contention
    async def _mail_link(self, purpose: Purpose, owner: Account, lifetime: timedelta, address: str) -> None:
        token, now = secret_token(), self._clock()
        async with self._db.transaction() as tx:
            found = await self._accounts.lock(tx, owner.id)
            if found is None:
                return
            await self._store.keep_link(tx, purpose, owner.id, digest(token), now, now + lifetime)
            action = f"account.request_{purpose.value.lower()}"
            await self._audit.audit(tx, AuditEvent(action, None, owner.id, address), now)
            await tx.emit(LinkRequested(purpose, found[0], self._sealer.seal(token), now + lifetime))
