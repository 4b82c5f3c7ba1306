"""Cancels and anonymizes the orders of accounts that are being deleted or were deleted."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.values import Clock, Position
from order.closed_accounts.errors import OpenOrdersExist
from order.closed_accounts.ports import AccountCarts, ClosedAccountStore
from order.orders.domain import Order, OrderCancelled, Status
from order.orders.ports import OrderStore
from order.orders.reporting import record_metrics_and_log

# Access tokens are valid for 15 minutes, so no order can be placed for an account that was deleted an hour ago.
_CLOSED_ACCOUNT_LOOKBACK = timedelta(hours=1)
_ALWAYS = datetime.fromtimestamp(0, UTC)
_SWEEP_BATCH_SIZE = 1000
_FIRST_ID = UUID(int=0)


class ClosedAccounts:
    """Closes the orders of accounts."""

    def __init__(
        self,
        db: Database,
        store: ClosedAccountStore,
        orders: OrderStore,
        carts: AccountCarts,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._orders = orders
        self._carts = carts
        self._clock = clock
        self._swept_all = False

    @retry_on_contention
    async def close_account(self, caller: Principal, account_id: UUID) -> None:
        """Cancels an account's PENDING orders before it is deleted; raises OpenOrdersExist, and cancels none, if it has paid ones."""
        caller.require_access_to(account_id)
        async with self._db.transaction() as tx:
            open_orders = await self._store.lock_open(tx, account_id)
            if any(order.status is not Status.PENDING for order in open_orders):
                raise OpenOrdersExist()
            events = await self._cancel_all(tx, open_orders)
        record_metrics_and_log(events)

    async def account_deleted(self, tx: Transaction, account_id: UUID) -> None:
        """Cancels what was placed or paid while the account was being deleted, anonymizes all its orders, and deletes its carts."""
        await self._store.record_closed_account(tx, account_id, self._clock())
        record_metrics_and_log(await self._anonymize_and_cancel(tx, account_id))

    async def guest_merged(self, tx: Transaction, guest_id: UUID, into_id: UUID) -> None:
        """Moves the carts of a guest whose orders belong to an account now; closes them too if that account was deleted."""
        await self._carts.merge(tx, guest_id, into_id)
        if await self._store.is_closed(tx, into_id):
            record_metrics_and_log(await self._anonymize_and_cancel(tx, into_id))

    @retry_on_contention
    async def cancel_orders_of_closed_accounts(self) -> None:
        """Does the same for what a deleted account's last access tokens still did, in batches; run by a sweep.

        The first run looks at all accounts that are remembered: a replica of an earlier version, which does not know carts, may have
        handled their deletion.
        """
        since = self._clock() - _CLOSED_ACCOUNT_LOOKBACK if self._swept_all else _ALWAYS
        after: Position | None = (since, _FIRST_ID)
        while after:
            account_ids, after = await self._store.closed_accounts_with_open_orders(after, _SWEEP_BATCH_SIZE)
            for account_id in account_ids:
                async with self._db.transaction() as tx:
                    events = await self._anonymize_and_cancel(tx, account_id)
                record_metrics_and_log(events)
        self._swept_all = True

    async def _anonymize_and_cancel(self, tx: Transaction, account_id: UUID) -> Sequence[OrderCancelled]:
        await self._store.anonymize(tx, account_id)
        await self._carts.erase(tx, account_id)
        return await self._cancel_all(tx, await self._store.lock_open(tx, account_id))

    async def _cancel_all(self, tx: Transaction, orders: Sequence[Order]) -> Sequence[OrderCancelled]:
        cancelled = [(order, event) for order in orders if (event := order.account_deleted(self._clock()))]
        events = [event for _, event in cancelled]
        if events:
            await self._orders.save(tx, [order for order, _ in cancelled])
            await tx.emit(*events)
        return events
