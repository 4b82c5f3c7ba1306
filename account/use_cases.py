"""What people and operators do with accounts. Passwords, links and sessions have use cases of their own.

Owners' and ADMINs' writes look at session and role as they are now, not as the token says.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from account.credential_use_cases import Credentials
from account.device_use_cases import Devices
from account.domain import Account, AccountDeleted, Audited, AuditEvent, Profile, Registration, normal_email
from account.errors import AccountNotFound, LastAdmin, RegisterThrottled, TooBusy
from account.metrics import DELETIONS, REGISTRATIONS
from account.ports import AccountStore, AuditFilter, AuditStore, Orders, Passwords
from account.session_use_cases import Sessions, SignedIn
from account.throttle import Brake, Throttle
from kit.auth import Principal, Role
from kit.db import Database, Transaction, retry_on_contention, run_with_contention_retries
from kit.values import Clock, Page, Position, client_network

# A transaction of some 50 ms.
_WORDS_BATCH: Final = 500


class Accounts:
    """The use cases of accounts."""

    def __init__(
        self,
        db: Database,
        store: AccountStore,
        audit: AuditStore,
        sessions: Sessions,
        credentials: Credentials,
        devices: Devices,
        passwords: Passwords,
        orders: Orders,
        throttle: Throttle,
        *,
        registrations_per_address: int,
        common_passwords: frozenset[str],
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._audit = audit
        self._sessions = sessions
        self._credentials = credentials
        self._devices = devices
        self._passwords = passwords
        self._orders = orders
        self._throttle = throttle
        self._registrations_per_address = registrations_per_address
        self._common = common_passwords
        self._clock = clock

    async def register(self, *, name: str, email: str, phone: str, password: str, address: str) -> SignedIn:
        """Makes an account with role USER and signs it in; raises InvalidArgument, EmailTaken, RegisterThrottled, TooBusy."""
        registration = Registration.read(
            name=name, email=email, phone=phone, password=password, common=self._common
        )
        brakes = [Brake("register", client_network(address), self._registrations_per_address)]
        [wait] = await self._throttle.waits(brakes)
        if wait:
            raise RegisterThrottled(details={"retry_after": wait})
        try:
            password_hash = await self._passwords.hash(registration.password)
        except TooBusy:
            await self._throttle.forgive(brakes)
            raise
        account, fact = Account.register(registration, self._clock())

        async def add() -> SignedIn:
            async with self._db.transaction() as tx:
                await self._store.add(tx, account, password_hash)
                signed_in = await self._sessions.begin(tx, account, "account.register", address)
                device_token = await self._devices.signed_in(tx, account.id)
                await tx.emit(fact)
            return replace(signed_in, device_token=device_token)

        signed_in = await run_with_contention_retries(add)
        REGISTRATIONS.inc()
        return signed_in

    async def get(self, account_id: UUID, caller: Principal) -> Account:
        """An account for its owner or an ADMIN; raises AccountNotFound."""
        found = await self.get_many([account_id], caller)
        if not found:
            raise AccountNotFound()
        return found[0]

    async def get_many(self, ids: Sequence[UUID], caller: Principal) -> list[Account]:
        """Those of the accounts that the caller may see."""
        allowed = [account_id for account_id in ids if caller.can_access(account_id)]
        return await self._store.get_many(allowed) if allowed else []

    async def search(self, query: str, after: Position | None, size: int, *, count: bool) -> Page[Account]:
        """A page of living accounts, newest first."""
        found = await self._store.page(query, after, size + 1)
        total = await self._store.count(query) if count else None
        return Page.of(found, size, total)

    async def make_searchable(self) -> None:
        """The job: writes the words of accounts that a release before these wrote."""
        found = _WORDS_BATCH
        while found == _WORDS_BATCH:
            async with self._db.transaction() as tx:
                found = await self._store.add_words(tx, _WORDS_BATCH)

    async def audit_events(
        self, which: AuditFilter, after: Position | None, size: int, *, count: bool
    ) -> Page[Audited]:
        """A page of the audit log, newest first."""
        found = await self._audit.audit_page(which, after, size + 1)
        total = await self._audit.audit_count(which) if count else None
        return Page.of(found, size, total)

    @retry_on_contention
    async def update_profile(self, caller: Principal, profile: Profile, address: str) -> Account:
        """Changes name and phone of the caller; raises TokenEnded."""
        await self._sessions.current_role(caller)
        now = self._clock()
        async with self._db.transaction() as tx:
            account, fact = (await self._locked(tx, caller.account_id)).change(profile, now)
            if fact is not None:
                await self._store.update(tx, account)
                await self._audit.audit(tx, AuditEvent.by(caller, "account.update_profile", address), now)
                await tx.emit(fact)
        return account

    async def delete(self, caller: Principal, password: str, address: str) -> None:
        """Deletes the caller's account; raises what Credentials.confirm raises, FailedPrecondition (ORDERS_OPEN), LastAdmin."""
        await self._credentials.confirm(caller, password, "password", address)
        # Where the person was is personal too: the log keeps who and when.
        await self._delete(caller.account_id, AuditEvent.by(caller, "account.delete", ""))

    async def erase(self, caller: Principal, account_id: UUID, reason: str, address: str) -> None:
        """Deletes an account for an ADMIN; raises PermissionDenied, TokenEnded, AccountNotFound, what `delete` raises of orders."""
        await self._sessions.still_admin(caller)
        event = AuditEvent.by(caller, "account.erase", address, subject_id=account_id, detail=reason)
        await self._delete(account_id, event)

    @retry_on_contention
    async def set_role(self, caller: Principal, account_id: UUID, role: Role, address: str) -> Account:
        """Gives an account another role, for an ADMIN; raises PermissionDenied, TokenEnded, AccountNotFound, LastAdmin."""
        await self._sessions.still_admin(caller)
        event = AuditEvent.by(caller, "account.set_role", address, subject_id=account_id, detail=role.value)
        async with self._db.transaction() as tx:
            admins = await self._store.lock_admins(tx)
            if role is not Role.ADMIN and admins == {account_id}:
                raise LastAdmin()
            return await self._grant(tx, await self._locked(tx, account_id), role, event)

    @retry_on_contention
    async def grant_admin(self, email: str) -> Account:
        """Gives the role ADMIN, from the console; every session ends, so that tokens tell the new role. Raises AccountNotFound."""
        async with self._db.transaction() as tx:
            found = await self._store.lock_by_email(tx, normal_email(email))
            if found is None:
                raise AccountNotFound()
            event = AuditEvent("account.grant_admin", None, found.id, "console")
            return await self._grant(tx, found, Role.ADMIN, event)

    @retry_on_contention
    async def note(self, event: AuditEvent) -> None:
        """Writes what happened on the console into the audit log."""
        async with self._db.transaction() as tx:
            await self._audit.audit(tx, event, self._clock())

    async def record(self, tx: Transaction, told: Audited) -> None:
        """Writes into the audit log what an ADMIN did in another service."""
        await self._audit.audit(tx, told.event, told.time, told.id)

    async def forget_told(self, tx: Transaction, account_id: UUID) -> None:
        """Once its deletion was published, so was all that was told before: none of it is needed here any more."""
        await self._store.forget_told(tx, account_id)

    async def _grant(self, tx: Transaction, found: Account, role: Role, event: AuditEvent) -> Account:
        now = self._clock()
        account, fact = found.grant(role, now)
        if fact is not None:
            await self._store.update(tx, account)
            await self._sessions.end_all(tx, account)
            await self._audit.audit(tx, event, now)
            await tx.emit(fact)
        return account

    @retry_on_contention
    async def _delete(self, account_id: UUID, event: AuditEvent) -> None:
        if await self._store.admins() == {account_id}:
            raise LastAdmin()
        if not await self._store.get_many([account_id]):
            raise AccountNotFound()
        await self._orders.close_of(account_id)
        now = self._clock()
        async with self._db.transaction() as tx:
            if await self._store.lock_admins(tx) == {account_id}:
                raise LastAdmin()
            account = await self._locked(tx, account_id)
            await self._sessions.end_all(tx, account)
            await self._store.erase(tx, account_id, now)
            await self._audit.forget_addresses(tx, account_id)
            await self._audit.audit(tx, event, now)
            await tx.emit(AccountDeleted(account_id, now))
        DELETIONS.inc()

    async def _locked(self, tx: Transaction, account_id: UUID) -> Account:
        found = await self._store.lock(tx, account_id)
        if found is None:
            raise AccountNotFound()
        return found[0]
