"""What can be done with orders. Placing asks the catalog first and then writes once; reactions run in the inbox's transaction.

Not here: rules of inputs (messages), the status machine (domain), SQL (store). Commands and reactions lock the order's row first, so that
they take turns; stock and money go back when the catalog and payment hear OrderCancelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import SoukError, Violation
from kit.events import AdminActed
from kit.telemetry import get_logger
from kit.values import ORDER, Clock, Money, Page, utc_now
from kit.work import Batcher
from order.domain import CancelReason, Fact, Order, OrderCancelled, OrderConfirmed, Purchase, Schedule, Status
from order.errors import (
    IdempotencyConflict,
    OrderNotFound,
    OrdersOpen,
    TooManyFailedPayments,
    TooManyPending,
    TooManyUnits,
)
from order.metrics import ORDERS, REFUSALS, REVENUE
from order.ports import (
    AccountLimits,
    Catalog,
    OrderFilter,
    OrderStore,
    Outcome,
    Placement,
    Reservation,
    StockState,
    Stored,
)

log = get_logger(__name__)

_SWEEP = 100
# Tokens last 15 minutes: after an hour nobody orders any more in the name of an account that is gone.
_LATE = timedelta(hours=1)
_REFUSALS = {Outcome.TOO_MANY_PENDING: TooManyPending, Outcome.TOO_MANY_FAILED: TooManyFailedPayments}
_RETRY_AFTER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Policy:
    """What the deployment decides: how long an order may wait for its money, and how much one account may ask for."""

    pending: timedelta
    units_per_line: int
    account: AccountLimits


class Orders:
    """The use cases of the order service."""

    def __init__(
        self, db: Database, store: OrderStore, catalog: Catalog, policy: Policy, clock: Clock = utc_now
    ) -> None:
        self._db = db
        self._store = store
        self._catalog = catalog
        self._policy = policy
        self._clock = clock
        # Group commit: what arrives while a statement runs is written by the next one.
        self._placing = Batcher(self._place_many)

    async def place(self, caller: Principal, purchase: Purchase, *, address: str = "") -> Order:
        """Places an order, or answers the one that the caller's key stands for already; raises IdempotencyConflict for other input.

        The order's id follows from the key, so that a repeat meets its own reservation.
        """
        account_id = purchase.account_id or caller.account_id
        caller.require_access_to(account_id)
        self._check_units(purchase)
        order_id = ORDER.derive(str(caller.account_id), purchase.request_id)
        try:
            reservation = await self._catalog.reserve(order_id, purchase)
            if not self._can_be_paid(reservation):
                # The reservation of this key has ended, or is about to. Either its order is stored, or nobody came to store one:
                # then a fresh id starts anew, and the key's columns decide between callers who do so at once.
                if stored := await self._store.find_request(caller.account_id, purchase.request_id):
                    return _same(stored, purchase)
                if reservation.state.is_ours:
                    await self._catalog.release(order_id)
                order_id = ORDER.new()
                reservation = await self._catalog.reserve(order_id, purchase)
        except SoukError as refusal:
            REFUSALS.labels(refusal.reason).inc()
            raise
        return await self._write(caller, account_id, order_id, purchase, reservation, address)

    async def get(self, caller: Principal, order_id: UUID) -> Order:
        """The caller's order, or anybody's for an ADMIN; raises OrderNotFound."""
        order = await self._store.get(order_id, None if caller.is_admin else caller.account_id)
        if order is None:
            raise OrderNotFound()
        return order

    async def list(
        self, which: OrderFilter, after: tuple[datetime, UUID] | None, size: int, *, count: bool
    ) -> Page[Order]:
        """A page of orders, newest first; whose orders the caller may see is settled in `which`."""
        found = await self._store.page(which, after, size + 1)
        return Page.of(found, size, await self._store.count(which) if count else None)

    async def list_each(
        self, caller: Principal, which: OrderFilter, account_ids: Sequence[UUID], size: int, *, count: bool
    ) -> Sequence[Page[Order]]:
        """The first page of each account; raises PermissionDenied when one is not the caller's."""
        caller.require_access_to(*account_ids)
        found = await self._store.page_each(which, account_ids, size + 1)
        totals = await self._store.count_each(which, account_ids) if count else {}
        return [Page.of(found.get(each, ()), size, totals[each] if count else None) for each in account_ids]

    @retry_on_contention
    async def cancel(self, caller: Principal, order_id: UUID, text: str, *, address: str = "") -> Order:
        """Cancels the caller's order, or anybody's for an ADMIN, and answers it; raises OrderNotFound and OrderState.

        CUSTOMER is whoever owns it, an ADMIN's own order too.
        """
        async with self._db.transaction() as tx:
            order = await self._locked(tx, order_id, None if caller.is_admin else caller.account_id)
            own = order.account_id == caller.account_id
            reason = CancelReason.CUSTOMER if own else CancelReason.ADMIN
            fact = order.cancel(reason, self._clock(), text)
            acted = AdminActed.by(caller, "order.cancel_order", ORDER.format(order_id), address)
            await self._keep(tx, order, fact, None if own else acted)
        _tell([fact] if fact else [])
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
        """Moves an order to SHIPPED or DELIVERED and answers it; raises OrderNotFound and OrderState. `acted` is told with the move."""
        move = {Status.SHIPPED: Order.ship, Status.DELIVERED: Order.deliver}[status]
        async with self._db.transaction() as tx:
            order = await self._locked(tx, order_id)
            fact = move(order, self._clock(), note, internal_note)
            await self._keep(tx, order, fact, acted)
        _tell([fact] if fact else [])
        return order

    @retry_on_contention
    async def close_account(self, caller: Principal, account_id: UUID) -> None:
        """Cancels an account's PENDING orders before it is deleted; raises OrdersOpen, and cancels none, while others are open."""
        caller.require_access_to(account_id)
        async with self._db.transaction() as tx:
            open_orders = await self._store.lock_open(tx, account_id)
            if any(order.status is not Status.PENDING for order in open_orders):
                raise OrdersOpen()
            facts = await self._cancel_all(tx, open_orders)
        _tell(facts)

    async def account_deleted(self, tx: Transaction, account_id: UUID) -> None:
        """Cancels what was placed or paid while the account was being deleted, and forgets who it was."""
        await self._store.note_closed(tx, account_id, self._clock())
        _tell(await self._forget(tx, account_id))

    @retry_on_contention
    async def close_late(self) -> None:
        """The sweep: what a deleted account's last tokens still placed is cancelled and forgotten like the rest."""
        for account_id in await self._store.closed_with_orders(self._clock() - _LATE):
            async with self._db.transaction() as tx:
                facts = await self._forget(tx, account_id)
            _tell(facts)

    async def commit_stock(self, order_id: UUID) -> StockState:
        """Sells what is held for a paid order; before any transaction, and as often as one likes."""
        return await self._catalog.commit(order_id)

    async def payment_succeeded(self, tx: Transaction, order_id: UUID, stock: StockState) -> None:
        """Confirms a PENDING order whose stock is sold, or cancels it when the stock had gone back."""
        order = await self._locked(tx, order_id)
        await self._heard(tx, order, order.payment_succeeded(stock is StockState.COMMITTED, self._clock()))

    async def payment_failed(self, tx: Transaction, order_id: UUID, failure: str) -> None:
        """Cancels a PENDING order; its stock goes back when the catalog hears of it."""
        order = await self._locked(tx, order_id)
        await self._heard(tx, order, order.payment_failed(failure, self._clock()))

    async def payment_refunded(self, tx: Transaction, order_id: UUID, refunded: Money, reason: str) -> None:
        """Notes what went back so far, and cancels a CONFIRMED order that got back all of it."""
        order = await self._locked(tx, order_id)
        await self._heard(tx, order, order.refund(refunded, reason, self._clock()))

    @retry_on_contention
    async def cancel_overdue(self) -> None:
        """The sweep: cancels PENDING orders past their deadline."""
        more = True
        while more:
            async with self._db.transaction() as tx:
                overdue = await self._store.lock_overdue(tx, self._clock(), _SWEEP)
                facts = [fact for order in overdue if (fact := order.expire(self._clock()))]
                if overdue:
                    await self._store.save(tx, overdue)
                    await tx.emit(*facts)
            _tell(facts)
            more = len(overdue) == _SWEEP

    def _check_units(self, purchase: Purchase) -> None:
        most = self._policy.units_per_line
        for each in purchase.wanted:
            if each.quantity > most:
                rule = f"at most {most:,} of one product in an order"
                raise TooManyUnits(rule, fields=[Violation(("products", each.position, "quantity"), rule)])

    def _can_be_paid(self, held: Reservation) -> bool:
        """Whether a new order on this reservation would have any time to be charged: a repeat may meet one that is minutes old."""
        now = self._clock()
        return (
            held.state.is_ours and Schedule.of(now, self._policy.pending, held.expire_time).pay_before > now
        )

    async def _write(
        self,
        caller: Principal,
        account_id: UUID,
        order_id: UUID,
        purchase: Purchase,
        held: Reservation,
        address: str,
    ) -> Order:
        now = self._clock()
        fact = Order.place(
            order_id,
            account_id,
            held.lines,
            purchase.shipping_address,
            purchase.payment_method,
            Schedule.of(now, self._policy.pending, held.expire_time),
            now,
        )
        placement = Placement(fact, caller.account_id, purchase)
        if account_id == caller.account_id:
            outcome = await self._placing.run(placement)
        else:
            acted = AdminActed.by(caller, "order.place_order", ORDER.format(order_id), address)
            outcome = await self._place_audited(placement, acted)
        if outcome is Outcome.WRITTEN:
            _tell([fact])
            return fact.order
        if stored := await self._store.find_request(caller.account_id, purchase.request_id):
            if stored.order.id != order_id:
                await self._catalog.release(order_id)
            return _same(stored, purchase)
        await self._catalog.release(order_id)
        refusal = _REFUSALS[outcome]
        REFUSALS.labels(refusal.reason).inc()
        raise refusal(details={"retry_after": _RETRY_AFTER_SECONDS})

    @retry_on_contention
    async def _place_audited(self, placement: Placement, acted: AdminActed) -> Outcome:
        """Somebody else's order, which is rare: alone, and told in its transaction."""
        async with self._db.transaction() as tx:
            [outcome] = await self._store.place([placement], self._policy.account, tx)
            if outcome is Outcome.WRITTEN:
                await tx.emit(acted)
        return outcome

    async def _place_many(self, placements: Sequence[Placement]) -> Sequence[Outcome]:
        return await self._store.place(placements, self._policy.account)

    async def _locked(self, tx: Transaction, order_id: UUID, owner: UUID | None = None) -> Order:
        order = await self._store.lock(tx, order_id, owner)
        if order is None:
            raise OrderNotFound(f"no order {ORDER.format(order_id)}")
        return order

    async def _forget(self, tx: Transaction, account_id: UUID) -> Sequence[OrderCancelled]:
        await self._store.forget_person(tx, account_id)
        return await self._cancel_all(tx, await self._store.lock_open(tx, account_id))

    async def _cancel_all(self, tx: Transaction, orders: Sequence[Order]) -> Sequence[OrderCancelled]:
        facts = [(order, fact) for order in orders if (fact := order.account_deleted(self._clock()))]
        if facts:
            await self._store.save(tx, [order for order, _ in facts])
            await tx.emit(*[fact for _, fact in facts])
        return [fact for _, fact in facts]

    async def _keep(
        self, tx: Transaction, order: Order, fact: Fact | None, acted: AdminActed | None = None
    ) -> None:
        """Every change has its fact: without one there is nothing to write. `acted`: the ADMIN who made it, for the audit log."""
        if fact:
            await self._store.save(tx, [order])
            await tx.emit(fact, *([acted] if acted else []))

    async def _heard(self, tx: Transaction, order: Order, fact: Fact | None) -> None:
        await self._keep(tx, order, fact)
        _tell([fact] if fact else [])


def _same(stored: Stored, purchase: Purchase) -> Order:
    if not purchase.is_same_as(stored.input_hash):
        raise IdempotencyConflict()
    return stored.order


def _tell(facts: Sequence[Fact]) -> None:
    """For operators: metrics and the log."""
    for fact in facts:
        order = fact.order
        outcome = type(fact).__name__.removeprefix("Order").lower()
        if isinstance(fact, OrderCancelled):
            outcome += f"_{order.cancel_reason}".lower()
        if isinstance(fact, OrderConfirmed):
            REVENUE.labels(order.total.currency).inc(order.total.minor)
        ORDERS.labels(outcome).inc()
        log.info(f"order.{outcome}", order_id=ORDER.format(order.id))
