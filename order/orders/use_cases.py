"""Reading and changing an order. Reactions run in the inbox's transaction.

Commands and reactions lock the order's row first, so concurrent changes are applied one after the other. Catalog and payment return
stock and money when they consume OrderCancelled. Not here: validation (messages), the status machine (domain), SQL (store).
"""

from uuid import UUID

from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.events import AdminActed
from kit.values import ORDER, Clock, Money
from order.orders.domain import CancelReason, DomainEvent, Order, Status
from order.orders.errors import OrderNotFound
from order.orders.ports import OrderStore, ReopenedCarts, Stock, StockState
from order.orders.reporting import record_metrics_and_log

_SWEEP_BATCH_SIZE = 100


class Orders:
    """The use cases of an order."""

    def __init__(
        self,
        db: Database,
        store: OrderStore,
        stock: Stock,
        carts: ReopenedCarts,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._stock = stock
        self._carts = carts
        self._clock = clock

    async def get(self, caller: Principal, order_id: UUID) -> Order:
        """The caller's order, or any order for an ADMIN; raises OrderNotFound."""
        order = await self._store.get(order_id, _owner(caller))
        if order is None:
            raise OrderNotFound()
        return order

    @retry_on_contention
    async def cancel(self, caller: Principal, order_id: UUID, text: str, *, address: str = "") -> Order:
        """Cancels the caller's order, or any order for an ADMIN; raises OrderNotFound and InvalidOrderState.

        The reason is CUSTOMER when the caller owns the order, even if the caller is an ADMIN.
        """
        async with self._db.transaction() as tx:
            order = await self._lock_or_raise(tx, order_id, _owner(caller))
            own = order.account_id == caller.account_id
            reason = CancelReason.CUSTOMER if own else CancelReason.ADMIN
            event = order.cancel(reason, self._clock(), text)
            acted = AdminActed.by(caller, "order.cancel_order", ORDER.format(order_id), address)
            await self._save_and_emit(tx, order, event, None if own else acted)
        record_metrics_and_log([event] if event else [])
        return order

    @retry_on_contention
    async def update_status(
        self,
        order_id: UUID,
        status: Status,
        note: str,
        internal_note: str,
        *,
        acted: AdminActed | None = None,
    ) -> Order:
        """Moves an order to SHIPPED or DELIVERED; raises OrderNotFound and InvalidOrderState. `acted` is emitted with the change."""
        transition = {Status.SHIPPED: Order.ship, Status.DELIVERED: Order.deliver}[status]
        async with self._db.transaction() as tx:
            order = await self._lock_or_raise(tx, order_id)
            event = transition(order, self._clock(), note, internal_note)
            await self._save_and_emit(tx, order, event, acted)
        record_metrics_and_log([event] if event else [])
        return order

    async def commit_stock(self, order_id: UUID) -> StockState:
        """Commits the stock of a paid order; idempotent, to be called outside a transaction."""
        return await self._stock.commit(order_id)

    async def payment_succeeded(self, tx: Transaction, order_id: UUID, stock: StockState) -> None:
        """Confirms a PENDING order whose stock is committed; cancels it when the reservation had expired."""
        order = await self._lock_or_raise(tx, order_id)
        committed = stock is StockState.COMMITTED
        await self._save_and_report(tx, order, order.payment_succeeded(committed, self._clock()))

    async def payment_failed(self, tx: Transaction, order_id: UUID, failure: str) -> None:
        """Cancels a PENDING order."""
        order = await self._lock_or_raise(tx, order_id)
        await self._save_and_report(tx, order, order.payment_failed(failure, self._clock()))

    async def payment_refunded(self, tx: Transaction, order_id: UUID, refunded: Money, reason: str) -> None:
        """Records the refunded sum, and cancels an unshipped order that is fully refunded."""
        order = await self._store.lock(tx, order_id)
        # Of an order that was lost in a restore there is nothing to record.
        if order is not None:
            await self._save_and_report(tx, order, order.refund(refunded, reason, self._clock()))

    @retry_on_contention
    async def cancel_overdue(self) -> None:
        """Cancels PENDING orders past their deadline, in batches; run by a sweep."""
        more = True
        while more:
            async with self._db.transaction() as tx:
                overdue = await self._store.lock_overdue(tx, self._clock(), _SWEEP_BATCH_SIZE)
                events = [event for order in overdue if (event := order.expire(self._clock()))]
                if overdue:
                    await self._store.save(tx, overdue)
                    await tx.emit(*events)
                    await self._carts.reopen(tx, [order for order in overdue if order.reopens_cart])
            record_metrics_and_log(events)
            more = len(overdue) == _SWEEP_BATCH_SIZE

    async def _lock_or_raise(self, tx: Transaction, order_id: UUID, owner: UUID | None = None) -> Order:
        order = await self._store.lock(tx, order_id, owner)
        if order is None:
            raise OrderNotFound(f"order {ORDER.format(order_id)} not found")
        return order

    async def _save_and_emit(
        self, tx: Transaction, order: Order, event: DomainEvent | None, acted: AdminActed | None = None
    ) -> None:
        """Without an event nothing has changed. `acted` goes to the audit log."""
        if event:
            await self._store.save(tx, [order])
            await tx.emit(event, *([acted] if acted else []))
            if order.reopens_cart:
                await self._carts.reopen(tx, [order])

    async def _save_and_report(self, tx: Transaction, order: Order, event: DomainEvent | None) -> None:
        await self._save_and_emit(tx, order, event)
        record_metrics_and_log([event] if event else [])


def _owner(caller: Principal) -> UUID | None:
    return None if caller.is_admin else caller.account_id
