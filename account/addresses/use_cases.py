"""Reading and changing saved addresses. Changes lock the account, so that the limit and the defaults hold under concurrency."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from account.accounts.ports import AccountStore, Sessions
from account.addresses.domain import MAX_ADDRESSES, AddressChange, PostalAddress, SavedAddress
from account.addresses.errors import AddressLimit, AddressNotFound
from account.addresses.ports import AddressStore
from account.sessions.errors import SessionRevoked
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.values import Clock


class Addresses:
    """The use cases of saved addresses; all raise NotForGuests for a guest."""

    def __init__(
        self, db: Database, store: AddressStore, accounts: AccountStore, sessions: Sessions, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._accounts = accounts
        self._sessions = sessions
        self._clock = clock

    async def list_by_account(
        self, caller: Principal, account_ids: Sequence[UUID]
    ) -> list[Sequence[SavedAddress]]:
        """The addresses of each account, oldest first; raises PermissionDenied if the caller may not see one of them."""
        caller.reject_guest()
        caller.require_access_to(*account_ids)
        stored = await self._store.addresses_of(account_ids)
        return [stored.get(account_id, ()) for account_id in account_ids]

    @retry_on_contention
    async def create(self, caller: Principal, address: PostalAddress, change: AddressChange) -> SavedAddress:
        """Adds an address with the defaults of `change`; raises SessionRevoked, AddressLimit."""
        async with self._locked(caller) as tx:
            if await self._store.count_addresses(tx, caller.account_id) >= MAX_ADDRESSES:
                raise AddressLimit()
            now = self._clock()
            saved = SavedAddress.create(caller.account_id, address, now).change(change, now)
            await self._store.save_address(tx, saved)
        return saved

    @retry_on_contention
    async def update(self, caller: Principal, address_id: UUID, change: AddressChange) -> SavedAddress:
        """Changes an address of the caller; raises SessionRevoked, AddressNotFound."""
        async with self._locked(caller) as tx:
            saved = await self._store.find_address(tx, caller.account_id, address_id)
            if saved is None:
                raise AddressNotFound()
            changed = saved.change(change, self._clock())
            await self._store.save_address(tx, changed)
        return changed

    @retry_on_contention
    async def delete(self, caller: Principal, address_id: UUID) -> None:
        """Deletes an address of the caller; raises SessionRevoked, AddressNotFound."""
        async with self._locked(caller) as tx:
            if not await self._store.delete_address(tx, caller.account_id, address_id):
                raise AddressNotFound()

    @asynccontextmanager
    async def _locked(self, caller: Principal) -> AsyncIterator[Transaction]:
        """A transaction that holds the caller's account. An account that was deleted in the meantime must not get an address."""
        caller.reject_guest()
        await self._sessions.current_role(caller)
        async with self._db.transaction() as tx:
            if await self._accounts.lock(tx, caller.account_id) is None:
                raise SessionRevoked()
            yield tx
