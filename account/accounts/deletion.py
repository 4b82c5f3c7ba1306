"""Deleting accounts. The order service closes the orders first; erasing the account is one transaction after that."""

from uuid import UUID

from account.accounts.domain import AccountDeleted
from account.accounts.errors import AccountNotFound, LastAdmin
from account.accounts.ports import AccountStore, OrderCloser, PasswordConfirmation, Sessions
from account.audit.domain import AuditEvent
from account.audit.use_cases import AuditLog
from account.metrics import DELETIONS
from kit.auth import Principal
from kit.db import Database, retry_on_contention
from kit.values import Clock


class AccountEraser:
    """Erases one account and revokes its sessions."""

    def __init__(
        self, db: Database, store: AccountStore, audit: AuditLog, sessions: Sessions, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._audit = audit
        self._sessions = sessions
        self._clock = clock

    async def check(self, account_id: UUID) -> None:
        """Raises the errors of `erase`, without taking locks."""
        if await self._store.admins() == {account_id}:
            raise LastAdmin()
        if not await self._store.get_many([account_id]):
            raise AccountNotFound()

    @retry_on_contention
    async def erase(self, account_id: UUID, audit: AuditEvent) -> None:
        """Erases an account; raises LastAdmin, AccountNotFound."""
        now = self._clock()
        async with self._db.transaction() as tx:
            if await self._store.lock_admins(tx) == {account_id}:
                raise LastAdmin()
            account = await self._store.lock(tx, account_id)
            if account is None:
                raise AccountNotFound()
            await self._sessions.revoke_all(tx, account)
            await self._store.erase(tx, account_id, now)
            await self._audit.erase_ip_addresses(tx, account_id)
            await self._audit.record(tx, audit)
            await tx.emit(AccountDeleted(account_id, now))
        DELETIONS.inc()


class Deletions:
    """The use cases of deletion."""

    def __init__(
        self,
        sessions: Sessions,
        passwords: PasswordConfirmation,
        orders: OrderCloser,
        eraser: AccountEraser,
    ) -> None:
        self._sessions = sessions
        self._passwords = passwords
        self._orders = orders
        self._eraser = eraser

    async def delete(self, caller: Principal, password: str, address: str) -> None:
        """Deletes the caller's account; raises the errors of `confirm`, FailedPrecondition (ORDERS_OPEN), LastAdmin."""
        await self._passwords.confirm(caller, password, "password", address)
        # The address is personal data of a deleted account: the audit log keeps only actor and time.
        await self._delete(caller.account_id, AuditEvent.by(caller, "account.delete", ""))

    async def erase(self, caller: Principal, account_id: UUID, reason: str, address: str) -> None:
        """Deletes an account for an ADMIN; raises PermissionDenied, SessionRevoked, AccountNotFound, ORDERS_OPEN, LastAdmin."""
        await self._sessions.require_admin(caller)
        audit = AuditEvent.by(caller, "account.erase", address, subject_id=account_id, detail=reason)
        await self._delete(account_id, audit)

    async def _delete(self, account_id: UUID, audit: AuditEvent) -> None:
        await self._eraser.check(account_id)
        await self._orders.close_orders_of(account_id)
        await self._eraser.erase(account_id, audit)
