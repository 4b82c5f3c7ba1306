"""Fakes of the order service's own ports; the store's keeps the same contract as PostgreSQL's (test_store)."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from kit.db.fake import FakeDatabase
from kit.values import PRODUCT, Clock, Money, exact_count
from order.domain import Address, CancelReason, Line, Order, Purchase, Status, Wanted
from order.ports import AccountLimits, OrderFilter, Outcome, Placement, Reservation, StockState, Stored


class FakeStore:
    """Orders in memory. Locks are not here: a test's coroutines take turns at awaits only."""

    def __init__(self, db: FakeDatabase) -> None:
        self._db = db
        self._orders: dict[UUID, Order] = {}
        self._requests: dict[tuple[UUID, str], tuple[UUID, bytes]] = {}
        self._closed: dict[UUID, datetime] = {}

    async def place(
        self, placements: Sequence[Placement], limits: AccountLimits, tx: object = None
    ) -> list[Outcome]:
        before = list(self._orders.values())
        owners = [placement.fact.order.account_id for placement in placements]
        return [
            self._place(placement, before, owners[:at].count(owners[at]), limits)
            for at, placement in enumerate(placements)
        ]

    async def find_request(self, caller_id: UUID, request_id: str) -> Stored | None:
        if (caller_id, request_id) not in self._requests:
            return None
        order_id, input_hash = self._requests[caller_id, request_id]
        return Stored(copy(self._orders[order_id]), input_hash)

    async def get(self, order_id: UUID, owner: UUID | None) -> Order | None:
        order = self._orders.get(order_id)
        return copy(order) if order and owner in (None, order.account_id) else None

    async def page(self, which: OrderFilter, after: tuple[datetime, UUID] | None, limit: int) -> list[Order]:
        found = sorted(self._those(which), key=_newness, reverse=True)
        return [copy(order) for order in found if after is None or _newness(order) < after][:limit]

    async def page_each(
        self, which: OrderFilter, account_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, list[Order]]:
        return {each: await self.page(replace(which, account_id=each), None, limit) for each in account_ids}

    async def count_each(self, which: OrderFilter, account_ids: Sequence[UUID]) -> dict[UUID, int | None]:
        return {each: await self.count(replace(which, account_id=each)) for each in account_ids}

    async def count(self, which: OrderFilter) -> int | None:
        return exact_count(len(self._those(which)))

    async def lock(self, tx: object, order_id: UUID, owner: UUID | None = None) -> Order | None:
        return await self.get(order_id, owner)

    async def lock_overdue(self, tx: object, now: datetime, limit: int) -> list[Order]:
        overdue = [o for o in self._orders.values() if o.status is Status.PENDING and o.deadline <= now]
        return [copy(order) for order in sorted(overdue, key=lambda o: o.deadline)[:limit]]

    async def lock_open(self, tx: object, account_id: UUID) -> list[Order]:
        ended = (Status.DELIVERED, Status.CANCELLED)
        mine = [o for o in self._orders.values() if o.account_id == account_id and o.status not in ended]
        return [copy(order) for order in sorted(mine, key=lambda order: order.id)]

    async def forget_person(self, tx: object, account_id: UUID) -> None:
        self._orders = {
            order_id: _anonymous(order) if order.account_id == account_id else order
            for order_id, order in self._orders.items()
        }

    async def note_closed(self, tx: object, account_id: UUID, now: datetime) -> None:
        self._closed.setdefault(account_id, now)

    async def closed_with_orders(self, since: datetime) -> list[UUID]:
        unsent = (Status.PENDING, Status.CONFIRMED)
        late = {
            order.account_id
            for order in self._orders.values()
            if order.status in unsent or (order.shipping_address and order.shipping_address.name)
        }
        return [
            account_id for account_id, time in self._closed.items() if time >= since and account_id in late
        ]

    async def save(self, tx: object, orders: Sequence[Order]) -> None:
        self._orders |= {order.id: copy(order) for order in orders}

    def _place(
        self, placement: Placement, before: Sequence[Order], beside: int, limits: AccountLimits
    ) -> Outcome:
        order, key = placement.fact.order, (placement.caller_id, placement.purchase.request_id)
        mine = [other for other in before if other.account_id == order.account_id]
        hour_ago = order.create_time - timedelta(hours=1)
        if sum(o.status is Status.PENDING for o in mine) + beside >= limits.pending:
            return Outcome.TOO_MANY_PENDING
        if (
            sum(o.cancel_reason is CancelReason.PAYMENT_FAILED and o.update_time > hour_ago for o in mine)
            >= limits.failed_payments
        ):
            return Outcome.TOO_MANY_FAILED
        if order.id in self._orders or key in self._requests:
            return Outcome.TAKEN
        self._orders[order.id] = copy(order)
        self._requests[key] = (order.id, placement.purchase.input_hash)
        self._db.events.append(placement.fact)
        return Outcome.WRITTEN

    def _those(self, which: OrderFilter) -> list[Order]:
        return [
            order
            for order in self._orders.values()
            if which.account_id in (None, order.account_id)
            and (which.statuses is None or order.status in which.statuses)
            and (which.created_after is None or order.create_time >= which.created_after)
            and (which.created_before is None or order.create_time < which.created_before)
        ]


class FakeCatalog:
    """Sells everything at 9.99 USD; `refuses` raises instead. `states` are the reservations, as the catalog would keep them."""

    price = Money(999, "USD")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.states: dict[UUID, StockState] = {}
        self.expires: dict[UUID, datetime] = {}
        self.refuses: Exception | None = None

    async def reserve(self, order_id: UUID, purchase: Purchase) -> Reservation:
        if self.refuses:
            raise self.refuses
        state = self.states.setdefault(order_id, StockState.HELD)
        lines = tuple(Line(each.product_id, "Mug", self.price, each.quantity) for each in purchase.wanted)
        expire_time = self.expires.setdefault(order_id, self._clock() + timedelta(minutes=15))
        return Reservation(state, lines if state.is_ours else (), expire_time)

    async def commit(self, order_id: UUID) -> StockState:
        if self.states.get(order_id) is StockState.HELD:
            self.states[order_id] = StockState.COMMITTED
        return self.states.get(order_id, StockState.NONE)

    async def release(self, order_id: UUID) -> StockState:
        ended = {StockState.COMMITTED: StockState.RETURNED, StockState.RETURNED: StockState.RETURNED}
        self.states[order_id] = ended.get(self.states.get(order_id, StockState.NONE), StockState.RELEASED)
        return self.states[order_id]


def purchase(quantity: int = 1, *, key: str | None = None, account_id: UUID | None = None) -> Purchase:
    """A purchase of one product; its hash follows from the quantity."""
    return Purchase(
        account_id=account_id,
        wanted=(Wanted(PRODUCT.derive("mug"), quantity, 0),),
        shipping_address=None,
        payment_method="pm_card_visa",
        expected_total="",
        request_id=key or uuid4().hex,
        input_hash=bytes([quantity % 256]),
    )


def changed(order: Order, **values: object) -> Order:
    """A copy with other values, for what only time or others can do."""
    return replace(order, **values)  # type: ignore[arg-type]


def _newness(order: Order) -> tuple[datetime, UUID]:
    return order.create_time, order.id


def _anonymous(order: Order) -> Order:
    address = order.shipping_address
    if address:
        address = Address("", "", "", "", "", "", address.country_code)
    if order.cancel_reason is not CancelReason.CUSTOMER:
        return replace(order, shipping_address=address)
    history = tuple(
        replace(step, note="") if step.status is Status.CANCELLED else step for step in order.history
    )
    return replace(order, shipping_address=address, status_reason="", history=history)
