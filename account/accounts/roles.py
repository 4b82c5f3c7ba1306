"""Changing the role of an account. A change revokes the account's sessions, because their access tokens contain the previous role."""

from uuid import UUID

from account.accounts.domain import Account, normalize_email
from account.accounts.errors import AccountNotFound, LastAdmin
from account.accounts.ports import AccountStore, Sessions
from account.audit.domain import AuditEvent
from account.audit.use_cases import AuditLog
from kit.auth import Principal, Role
from kit.db import Database, Transaction, retry_on_contention
from kit.values import Clock


class Roles:
    """The use cases of roles."""

    def __init__(
        self, db: Database, store: AccountStore, audit: AuditLog, sessions: Sessions, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._audit = audit
        self._sessions = sessions
        self._clock = clock

    @retry_on_contention
    async def set_role(self, caller: Principal, account_id: UUID, role: Role, address: str) -> Account:
        """Changes a role, for an ADMIN; raises PermissionDenied, SessionRevoked, AccountNotFound, LastAdmin."""
        await self._sessions.require_admin(caller)
        audit = AuditEvent.by(caller, "account.set_role", address, subject_id=account_id, detail=role.value)
        async with self._db.transaction() as tx:
            admins = await self._store.lock_admins(tx)
            if role is not Role.ADMIN and admins == {account_id}:
                raise LastAdmin()
            account = await self._store.lock(tx, account_id)
            # A guest has no password, so it must not get more rights.
            if account is None or account.guest:
                raise AccountNotFound()
            return await self._set(tx, account, role, audit)

    @retry_on_contention
    async def grant_admin(self, email: str) -> Account:
        """Console command: makes an account an ADMIN; raises AccountNotFound."""
        async with self._db.transaction() as tx:
            account = await self._store.lock_by_email(tx, normalize_email(email))
            if account is None:
                raise AccountNotFound()
            audit = AuditEvent("account.grant_admin", None, account.id, "console")
            return await self._set(tx, account, Role.ADMIN, audit)

    async def _set(self, tx: Transaction, account: Account, role: Role, audit: AuditEvent) -> Account:
        account, event = account.set_role(role, self._clock())
        if event is not None:
            await self._store.update(tx, account)
            await self._sessions.revoke_all(tx, account)
            await self._audit.record(tx, audit)
            await tx.emit(event)
        return account
