"""Creating, reading and changing accounts. Roles and deletion have modules of their own.

Writes check the caller's session and role in the database, because an access token can be minutes old.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from account.accounts.domain import Account, ContactDetails, Profile
from account.accounts.errors import AccountNotFound
from account.accounts.ports import AccountStore, Sessions
from account.audit.domain import AuditEvent
from account.audit.use_cases import AuditLog
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.values import Clock
from kit.work import Batcher


class Accounts:
    """The use cases of accounts."""

    def __init__(
        self, db: Database, store: AccountStore, audit: AuditLog, sessions: Sessions, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._audit = audit
        self._sessions = sessions
        self._clock = clock
        # Concurrent requests share one query.
        self._read: Batcher[Sequence[UUID], Mapping[UUID, Account]] = Batcher(self._read_all)

    async def add(self, tx: Transaction, details: ContactDetails, password_hash: str) -> Account:
        """Creates an account with the role USER; raises EmailTaken."""
        account, event = Account.register(details, self._clock())
        await self._store.add(tx, account, password_hash)
        await tx.emit(event)
        return account

    async def get(self, account_id: UUID, caller: Principal) -> Account:
        """An account, for its owner or an ADMIN; raises AccountNotFound."""
        accounts = await self.get_many([account_id], caller)
        if not accounts:
            raise AccountNotFound()
        return accounts[0]

    async def get_many(self, ids: Sequence[UUID], caller: Principal) -> list[Account]:
        """The accounts that the caller has access to."""
        allowed = dict.fromkeys(account_id for account_id in ids if caller.can_access(account_id))
        by_id = await self._read.run(list(allowed)) if allowed else {}
        return [by_id[account_id] for account_id in allowed if account_id in by_id]

    @retry_on_contention
    async def update_profile(self, caller: Principal, profile: Profile, address: str) -> Account:
        """Changes the caller's name and phone number; raises SessionRevoked, NotForGuests."""
        caller.reject_guest()
        await self._sessions.current_role(caller)
        async with self._db.transaction() as tx:
            account = await self._store.lock(tx, caller.account_id)
            if account is None:
                raise AccountNotFound()
            account, event = account.update_profile(profile, self._clock())
            if event is not None:
                await self._store.update(tx, account)
                await self._audit.record(tx, AuditEvent.by(caller, "account.update_profile", address))
                await tx.emit(event)
        return account

    async def purge_published_events(self, tx: Transaction, account_id: UUID) -> None:
        """Deletes personal data from the outbox once AccountDeleted or GuestMerged, the account's last event, has been published."""
        await self._store.purge_published_events(tx, account_id)

    async def _read_all(self, lists: Sequence[Sequence[UUID]]) -> Sequence[Mapping[UUID, Account]]:
        accounts = await self._store.get_many(list({account_id for ids in lists for account_id in ids}))
        return [{account.id: account for account in accounts}] * len(lists)
