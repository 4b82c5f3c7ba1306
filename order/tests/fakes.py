"""Fakes of the order service's ports. The store keeps the same contract as PostgreSQL's (store_contract)."""

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from kit.db.fake import FakeDatabase
from kit.errors import FailedPrecondition
from kit.values import PRODUCT, Clock, Money, Position, exact_count
from order.addresses.domain import Address
from order.lines.domain import Line
from order.listing.ports import OrderFilter, OrderOwner, OrderSummary
from order.orders.domain import CancelReason, Order, Status
from order.orders.ports import StockState
from order.placing.domain import PlaceOrder
from order.placing.ports import Reservation
from order.pricing.charges import PricedItem
from order.quotes.ports import QuoteRequest
from order.tests.fake_rules import FakeRules
from order.writing.domain import AccountLimits
from order.writing.ports import ExistingOrder, NewOrder, Outcome


class FakeStore:
    """The stores of all aggregates, in memory. It has no locks: a test's coroutines switch only at awaits."""

    def __init__(self, db: FakeDatabase) -> None:
        self._db = db
        self._orders: dict[UUID, Order] = {}
        self._requests: dict[tuple[UUID, str], tuple[UUID, bytes]] = {}
        self.guest_networks: list[str | None] = []
        self._closed: dict[UUID, datetime] = {}
        self.rules = FakeRules()
        self._numbers = count(1001)

    async def place(
        self, new_orders: Sequence[NewOrder], limits: AccountLimits, tx: object = None
    ) -> list[Outcome]:
        before = list(self._orders.values())
        owners = [new.event.order.account_id for new in new_orders]
        return [
            self._place(new, before, owners[:index].count(owners[index]), limits)
            for index, new in enumerate(new_orders)
        ]

    async def find_by_key(self, caller_id: UUID, request_id: str) -> ExistingOrder | None:
        if (caller_id, request_id) not in self._requests:
            return None
        order_id, input_hash = self._requests[caller_id, request_id]
        return ExistingOrder(copy(self._orders[order_id]), input_hash)

    async def find_of_cart(self, account_id: UUID, cart_id: UUID, request_id: str) -> Order | None:
        existing = await self.find_by_key(account_id, request_id)
        return existing.order if existing else None

    async def summaries(self, account_ids: Sequence[UUID]) -> dict[UUID, OrderSummary]:
        lists = {owner: self._matching(OrderFilter(account_id=owner)) for owner in account_ids}
        return {owner: _summary(orders) for owner, orders in lists.items() if orders}

    async def owner(self, number: int) -> OrderOwner | None:
        order = next((o for o in self._orders.values() if o.number == number), None)
        return OrderOwner(order.account_id, order.status is not Status.PENDING) if order else None

    async def take_numbers(self, count: int) -> list[int]:
        return [next(self._numbers) for _ in range(count)]

    async def get(self, order_id: UUID, owner: UUID | None) -> Order | None:
        order = self._orders.get(order_id)
        return copy(order) if order and owner in (None, order.account_id) else None

    async def page(self, filter: OrderFilter, after: tuple[datetime, UUID] | None, limit: int) -> list[Order]:
        orders = sorted(self._matching(filter), key=_newness, reverse=True)
        return [copy(order) for order in orders if after is None or _newness(order) < after][:limit]

    async def page_by_account(
        self, filter: OrderFilter, account_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, list[Order]]:
        return {
            account_id: await self.page(replace(filter, account_id=account_id), None, limit)
            for account_id in account_ids
        }

    async def count(self, filter: OrderFilter) -> int | None:
        return exact_count(len(self._matching(filter)))

    async def count_by_account(
        self, filter: OrderFilter, account_ids: Sequence[UUID]
    ) -> dict[UUID, int | None]:
        return {
            account_id: await self.count(replace(filter, account_id=account_id)) for account_id in account_ids
        }

    async def lock(self, tx: object, order_id: UUID, owner: UUID | None = None) -> Order | None:
        return await self.get(order_id, owner)

    async def lock_overdue(self, tx: object, now: datetime, limit: int) -> list[Order]:
        overdue = [o for o in self._orders.values() if o.status is Status.PENDING and o.deadline <= now]
        return [copy(order) for order in sorted(overdue, key=lambda o: o.deadline)[:limit]]

    async def lock_open(self, tx: object, account_id: UUID) -> list[Order]:
        final = (Status.DELIVERED, Status.CANCELLED)
        orders = [o for o in self._orders.values() if o.account_id == account_id and o.status not in final]
        return [copy(order) for order in sorted(orders, key=lambda order: order.id)]

    async def anonymize(self, tx: object, account_id: UUID) -> None:
        self._orders = {
            order_id: _anonymous(order) if order.account_id == account_id else order
            for order_id, order in self._orders.items()
        }

    async def record_closed_account(self, tx: object, account_id: UUID, now: datetime) -> None:
        self._closed.setdefault(account_id, now)

    async def is_closed(self, tx: object, account_id: UUID) -> bool:
        return account_id in self._closed

    async def closed_accounts_with_open_orders(
        self, after: Position, limit: int
    ) -> tuple[Sequence[UUID], Position | None]:
        unshipped = (Status.PENDING, Status.CONFIRMED)
        owners = {
            order.account_id
            for order in self._orders.values()
            if order.status in unshipped
            or order.note
            or any(address and address.name for address in (order.shipping_address, order.billing_address))
            or (order.cancel_reason is CancelReason.CUSTOMER and order.status_reason)
        }
        closed = sorted((time, account_id) for account_id, time in self._closed.items())
        page = [position for position in closed if position > after][:limit]
        return [owner for _, owner in page if owner in owners], page[-1] if len(page) == limit else None

    async def save(self, tx: object, orders: Sequence[Order]) -> None:
        self._orders |= {order.id: copy(order) for order in orders}

    def _place(
        self, new: NewOrder, before: Sequence[Order], earlier_in_batch: int, limits: AccountLimits
    ) -> Outcome:
        order, key = new.event.order, (new.command.caller_id, new.command.request_id)
        if new.revision != self.rules.snapshot.revision:
            return Outcome.RULES_CHANGED
        orders = [other for other in before if other.account_id == order.account_id]
        hour_ago = order.create_time - timedelta(hours=1)
        limit = limits.guest_pending if new.command.guest_network else limits.pending
        if sum(o.status is Status.PENDING for o in orders) + earlier_in_batch >= limit:
            return Outcome.TOO_MANY_PENDING
        if sum(_counts_as_failed(o) and o.update_time > hour_ago for o in orders) >= limits.failed_payments:
            return Outcome.TOO_MANY_FAILED
        if order.id in self._orders or key in self._requests:
            return Outcome.DUPLICATE
        self._orders[order.id] = copy(order)
        self._requests[key] = (order.id, new.command.input_hash)
        self.guest_networks.append(new.command.guest_network)
        self._db.events.append(new.event)
        return Outcome.WRITTEN

    def _matching(self, filter: OrderFilter) -> list[Order]:
        return [
            order
            for order in self._orders.values()
            if filter.account_id in (None, order.account_id)
            and filter.number in (None, order.number)
            and (filter.statuses is None or order.status in filter.statuses)
            and (filter.created_after is None or order.create_time >= filter.created_after)
            and (filter.created_before is None or order.create_time < filter.created_before)
        ]


class FakeCatalog:
    """Sells everything at 9.99 USD, or raises `rejection`. `states` are the reservations by order id."""

    price = Money(999, "USD")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.states: dict[UUID, StockState] = {}
        self.expires: dict[UUID, datetime] = {}
        self.rejection: Exception | None = None
        self.unknown = False
        self.priced = 0
        self.reserved_price: Money | None = None
        self.reserved_in_other_order = False
        self.before_reserving: Callable[[], Awaitable[None]] = _do_nothing

    async def price_lines(self, request: QuoteRequest) -> tuple[str, list[PricedItem]] | None:
        self.priced += 1
        if self.unknown:
            return None
        items = [PricedItem(self.price.minor, quantity) for quantity in request.quantities.values()]
        return self.price.currency, items

    async def reserve(
        self, order_id: UUID, command: PlaceOrder, list_price: Money | None = None
    ) -> Reservation:
        await self.before_reserving()
        if self.rejection:
            raise self.rejection
        if list_price and list_price != self.price * sum(command.quantities.values()):
            raise FailedPrecondition(reason="PRICE_CHANGED")
        created = order_id not in self.states
        state = self.states.setdefault(order_id, StockState.HELD)
        lines = tuple(
            Line(product_id, "Mug", self.reserved_price or self.price, quantity)
            for product_id, quantity in command.quantities.items()
        )
        if self.reserved_in_other_order:
            lines = lines[::-1]
        expire_time = self.expires.setdefault(order_id, self._clock() + timedelta(minutes=15))
        return Reservation(state, lines if state.holds_stock else (), expire_time, created)

    async def commit(self, order_id: UUID) -> StockState:
        if self.states.get(order_id) is StockState.HELD:
            self.states[order_id] = StockState.COMMITTED
        return self.states.get(order_id, StockState.NONE)

    async def release(self, order_id: UUID) -> StockState:
        returned = {StockState.COMMITTED: StockState.RETURNED, StockState.RETURNED: StockState.RETURNED}
        state = self.states.get(order_id, StockState.NONE)
        self.states[order_id] = returned.get(state, StockState.RELEASED)
        return self.states[order_id]


class FakeOrderCarts:
    """Records the orders whose carts were reopened, and the accounts whose carts were deleted; guests have none."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.erased: list[UUID] = []

    async def reopen(self, tx: object, orders: Sequence[Order]) -> None:
        self.orders.extend(orders)

    async def merge(self, tx: object, guest_id: UUID, into_id: UUID) -> bool:
        return True

    async def erase(self, tx: object, account_id: UUID) -> None:
        self.erased.append(account_id)


def place_order(
    caller_id: UUID, quantity: int = 1, *, key: str | None = None, account_id: UUID | None = None
) -> PlaceOrder:
    """The command to order one product; its input hash depends only on the quantity."""
    return PlaceOrder(
        caller_id=caller_id,
        account_id=account_id or caller_id,
        quantities={PRODUCT.derive("mug"): quantity},
        first_lines=(0,),
        shipping_address=None,
        payment_method="pm_card_visa",
        expected_total="",
        request_id=key or uuid4().hex,
        input_hash=bytes([quantity % 256]),
    )


async def _do_nothing() -> None: ...


def _counts_as_failed(order: Order) -> bool:
    was_unpaid = len(order.history) == 2
    return order.cancel_reason is CancelReason.PAYMENT_FAILED or (
        order.cancel_reason is CancelReason.CUSTOMER and was_unpaid
    )


def _newness(order: Order) -> tuple[datetime, UUID]:
    return order.create_time, order.id


def _anonymous(order: Order) -> Order:
    order = replace(
        order,
        shipping_address=_country_only(order.shipping_address),
        billing_address=_country_only(order.billing_address),
        note="",
    )
    if order.cancel_reason is not CancelReason.CUSTOMER:
        return order
    history = tuple(
        replace(change, note="") if change.status is Status.CANCELLED else change for change in order.history
    )
    return replace(order, status_reason="", history=history)


def _country_only(address: Address | None) -> Address | None:
    return Address("", "", "", "", "", "", address.country_code) if address else None


def _summary(orders: Sequence[Order]) -> OrderSummary:
    has_open = any(order.status not in (Status.DELIVERED, Status.CANCELLED) for order in orders)
    return OrderSummary(has_open, max(order.update_time for order in orders))
