"""Saving, listing and deleting payment methods of accounts. Each provider call sits between two transactions and is idempotent."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.values import Clock, secret_token
from payment.methods.domain import MAX_METHODS, SETUP_WINDOW, SavedMethod, Setup
from payment.methods.errors import MethodLimit, MethodNotFound, TooManySetups
from payment.methods.ports import Customers, MethodProvider, MethodStore

_ACCOUNT_DELETED: Final = "the account was deleted"


class Methods:
    """The caller's saved methods."""

    def __init__(
        self,
        db: Database,
        store: MethodStore,
        customers: Customers,
        provider: MethodProvider,
        *,
        max_setups: int,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._customers = customers
        self._provider = provider
        self._max_setups = max_setups
        self._clock = clock

    async def start_saving(self, caller: Principal) -> str:
        """The secret with which the caller's page confirms a setup.

        Raises NotForGuests, MethodLimit, TooManySetups, MethodNotFound (a deleted account), ProviderUnavailable, ProviderFailed.
        """
        caller.reject_guest()
        async with self._db.transaction() as tx:
            await self._require_room(tx, caller.account_id)
        customer = await self._customers.ensure(caller.account_id)
        if not customer:
            raise MethodNotFound(_ACCOUNT_DELETED)
        setup = await self._provider.create_setup(customer, secret_token())
        await self._add_setup(caller.account_id, setup)
        return setup.client_secret

    async def payments_placed(self, tx: Transaction, payments: Sequence[tuple[UUID, UUID]]) -> None:
        """What is charged for these (account, payment) is saved after the charge."""
        now = self._clock()
        await self._store.add(tx, [SavedMethod.of_payment(*payment, now) for payment in payments])

    async def list_saved(self, caller: Principal, account_ids: Sequence[UUID]) -> list[SavedMethod]:
        """Of each account the default first, then the newest; raises PermissionDenied."""
        for account_id in account_ids:
            caller.require_access_to(account_id)
        return await self._store.list_saved(account_ids)

    @retry_on_contention
    async def set_default(self, caller: Principal, method_id: UUID) -> SavedMethod:
        """Raises MethodNotFound."""
        async with self._db.transaction() as tx:
            methods = await self._store.lock_account(tx, caller.account_id)
            chosen = _find(methods, method_id)
            for method in methods:
                method.is_default = method is chosen
            # The old default first: one of an account's methods is the default at a time.
            await self._store.save(tx, *sorted(methods, key=lambda method: method.is_default))
        return chosen

    @retry_on_contention
    async def delete(self, caller: Principal, method_id: UUID) -> None:
        """Raises MethodNotFound."""
        async with self._db.transaction() as tx:
            methods = await self._store.lock_account(tx, caller.account_id)
            deleted = _find(methods, method_id)
            was_default = deleted.is_default
            deleted.delete(self._clock())
            others = [method for method in methods if method is not deleted]
            if was_default and others:
                others[0].is_default = True
            await self._store.save(tx, deleted, *others)

    @retry_on_contention
    async def _add_setup(self, account_id: UUID, setup: Setup) -> None:
        """Checks the limits again, because other calls may have reached them while the provider was asked. Its setup has no page then."""
        now = self._clock()
        async with self._db.transaction() as tx:
            await self._require_room(tx, account_id)
            if not await self._store.add(tx, [SavedMethod.of_setup(account_id, setup, now)]):
                raise MethodNotFound(_ACCOUNT_DELETED)
            await self._store.count_setup(tx, account_id, now, now - SETUP_WINDOW)

    async def _require_room(self, tx: Transaction, account_id: UUID) -> None:
        usage = await self._store.lock_usage(tx, account_id, self._clock() - SETUP_WINDOW)
        if usage.methods >= MAX_METHODS:
            raise MethodLimit()
        if usage.setups >= self._max_setups:
            raise TooManySetups(details={"retry_after": int(SETUP_WINDOW.total_seconds())})


def _find(methods: Sequence[SavedMethod], method_id: UUID) -> SavedMethod:
    for method in methods:
        if method.id == method_id:
            return method
    raise MethodNotFound()
