"""Placing an order: reserves stock in the catalog, then writes the order once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, retry_on_contention
from kit.errors import IdempotencyConflict, Internal, SoukError, Unavailable, Violation
from kit.events import AdminActed
from kit.values import ORDER, Money, client_network
from kit.work import Batcher
from order.lines.domain import Line, amounts_of, line_amounts
from order.metrics import REJECTIONS
from order.orders.domain import Order, Schedule
from order.orders.reporting import record_metrics_and_log
from order.placing.domain import PlaceOrder
from order.placing.errors import CartChanged, TooManyFailedPayments, TooManyPending, TooManyUnits
from order.placing.ports import Reservation, Reservations
from order.pricing.quote import Quote
from order.quotes.errors import (
    AddressRequired,
    NotDeliveredThere,
    PriceChanged,
    RegionUnknown,
    RulesChanged,
    ShippingMethodRequired,
    TotalOutOfRange,
)
from order.quotes.quoting import Priced, Quotes
from order.writing.domain import AccountLimits, network_key
from order.writing.order_numbers import OrderNumbers
from order.writing.ports import ExistingOrder, NewOrder, NewOrderStore, Outcome

_RETRY_AFTER_SECONDS = 60
_MAX_REPRICINGS = 3
_REJECTIONS_BY_RULES = {
    AddressRequired.reason,
    NotDeliveredThere.reason,
    PriceChanged.reason,
    RegionUnknown.reason,
    ShippingMethodRequired.reason,
    TotalOutOfRange.reason,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The deployment's rules: how long an order may stay unpaid, units per product, and limits per account.

    `network_secret` keys what is stored of guests' networks.
    """

    pending: timedelta
    units_per_line: int
    account: AccountLimits
    network_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Held:
    """Stock that is reserved for an order, and what the order costs."""

    order_id: UUID
    reservation: Reservation
    priced: Priced


class Placing:
    """Places orders."""

    def __init__(
        self,
        db: Database,
        store: NewOrderStore,
        reservations: Reservations,
        quotes: Quotes,
        policy: Policy,
    ) -> None:
        self._db = db
        self._store = store
        self._reservations = reservations
        self._quotes = quotes
        self._policy = policy
        # Group commit: orders that arrive while a statement runs are written together by the next one.
        self._batcher = Batcher(self._write_batch)
        self._numbers = OrderNumbers(store.take_numbers)

    async def place(self, caller: Principal, command: PlaceOrder, *, address: str = "") -> Order:
        """Places an order, or returns the one already placed with this key; raises IdempotencyConflict if its input differs.

        The order's id is derived from the key, so a retry finds its own reservation. What the order costs is judged before anything is
        reserved. If prices or rules change until it is written, it is priced again: the buyer gets an error only if the total is no
        longer the expected one. With `command.cart`, the cart is taken in the statement that writes the order, or nothing is written.
        """
        caller.require_access_to(command.account_id)
        if command.save_method:
            caller.reject_guest()
        self._check_units(command)
        if caller.guest:
            network = network_key(client_network(address), self._policy.network_secret)
            command = replace(command, guest_network=network)
        try:
            held = await self._hold(caller, command)
        except SoukError as rejection:
            REJECTIONS.labels(rejection.reason).inc()
            raise
        return held if isinstance(held, Order) else await self._write(caller, command, held, address)

    async def find_of_cart(self, account_id: UUID, cart_id: UUID, request_id: str) -> Order | None:
        """The order that was placed with a key from an account's cart, also by a guest that was merged into the account."""
        return await self._store.find_of_cart(account_id, cart_id, request_id)

    def _check_units(self, command: PlaceOrder) -> None:
        max_units = self._policy.units_per_line
        for line, quantity in zip(command.first_lines, command.quantities.values(), strict=True):
            if quantity > max_units:
                rule = f"at most {max_units:,} of one product in an order"
                raise TooManyUnits(rule, fields=[Violation(("products", line, "quantity"), rule)])

    async def _hold(self, caller: Principal, command: PlaceOrder) -> Held | Order:
        """Prices the order and reserves its stock, or returns the order that has the key."""
        start = await self._quotes.start(caller, command)
        # A stored order is returned before its prices are judged again; a cart that is still open has none.
        if start.needs_quote and not command.is_checkout and (existing := await self._find_existing(command)):
            return _require_same_request(existing, command)
        for _ in range(_MAX_REPRICINGS + 1):
            quote = None
            try:
                priced = await self._quotes.quote(command, start)
                quote = priced.quote
                return await self._reserve(command, priced)
            except SoukError as rejection:
                if rejection.reason not in _REJECTIONS_BY_RULES:
                    raise
                # This process may know outdated rules, and those reject nothing.
                if newer := await self._quotes.restart(caller, command, start):
                    start = newer
                # The catalog has other prices than a moment ago; whether that matters depends on the total.
                elif quote is None or rejection.reason != PriceChanged.reason:
                    raise
        raise RulesChanged()

    async def _reserve(self, command: PlaceOrder, priced: Priced) -> Held | Order:
        order_id = ORDER.derive(str(command.caller_id), command.request_id)
        list_price = _list_price(priced)
        reservation = await self._reservations.reserve(order_id, command, list_price)
        can_be_paid = self._can_be_paid(reservation)
        # The reservation is older than the catalog's refusal to price its lines, which only a new one gets as an error.
        is_outdated = priced.needs_quote and priced.quote is None and not reservation.created
        if not can_be_paid or is_outdated:
            # If no order was stored for the key, retry with a new order id; the unique index on (caller_id, request_id) decides between
            # concurrent retries.
            if existing := await self._find_existing(command):
                return _require_same_request(existing, command)
            if reservation.state.holds_stock and not can_be_paid:
                await self._reservations.release(order_id)
            order_id = ORDER.new()
            reservation = await self._reservations.reserve(order_id, command, list_price)
        return Held(order_id, _as_requested(command, reservation), priced)

    def _can_be_paid(self, reservation: Reservation) -> bool:
        """Whether an order on this reservation would still have time to be charged: a retry may find one that is minutes old."""
        now = self._quotes.clock()
        schedule = Schedule.of(now, self._policy.pending, reservation.expire_time)
        return reservation.state.holds_stock and schedule.pay_before > now

    async def _write(self, caller: Principal, command: PlaceOrder, held: Held, address: str) -> Order:
        """Writes the order, priced again while the rules change."""
        number, priced = await self._numbers.next(), held.priced
        for attempts_left in range(_MAX_REPRICINGS, -1, -1):
            try:
                priced = await self._quotes.settle(command, priced, held.reservation.lines)
            except SoukError as rejection:
                return await self._give_up(command, held, rejection)
            new = self._new_order(number, command, held, priced)
            outcome = await self._submit(caller, command, new, address)
            if outcome is Outcome.WRITTEN:
                record_metrics_and_log([new.event])
                return new.event.order
            if outcome is not Outcome.RULES_CHANGED or not attempts_left:
                break
            try:
                priced = await self._quotes.renew(caller, command, priced)
            except SoukError as rejection:
                return await self._give_up(command, held, rejection)
        return await self._give_up(command, held, _rejection(outcome))

    def _new_order(self, number: int, command: PlaceOrder, held: Held, priced: Priced) -> NewOrder:
        now, quote, lines = self._quotes.clock(), priced.quote, held.reservation.lines
        if quote:
            lines = _charged(lines, quote)
        placed = Order.place(
            held.order_id,
            number,
            command.account_id,
            lines,
            command.shipping_address,
            command.payment_method,
            Schedule.of(now, self._policy.pending, held.reservation.expire_time),
            now,
            command.cart.cart_id if command.cart else None,
            amounts_of(quote) if quote else None,
            command.billing_address,
        )
        placed.order.note = command.note
        placed.order.placed_by_guest = command.guest_network is not None
        required = priced.needs_method and quote is not None and quote.needs_shipping
        placed = replace(placed, confirmation=command.confirmation, save_method=command.save_method)
        return NewOrder(placed, command, priced.snapshot.revision, quote, required)

    async def _submit(self, caller: Principal, command: PlaceOrder, new: NewOrder, address: str) -> Outcome:
        if command.account_id == command.caller_id:
            return await self._batcher.run(new)
        acted = AdminActed.by(caller, "order.place_order", ORDER.format(new.event.order.id), address)
        return await self._place_with_audit(new, acted)

    async def _give_up(self, command: PlaceOrder, held: Held, rejection: SoukError) -> Order:
        """Returns the order that has the key, if there is one; else releases the stock that this call reserved, and raises."""
        existing = await self._find_existing(command)
        is_unused = held.reservation.created and (existing is None or existing.order.id != held.order_id)
        # A repetition of the request finds the reservation, while the catalog is down.
        if is_unused and not isinstance(rejection, Unavailable):
            await self._reservations.release(held.order_id)
        if existing:
            return _require_same_request(existing, command)
        REJECTIONS.labels(rejection.reason).inc()
        raise rejection

    @retry_on_contention
    async def _place_with_audit(self, new: NewOrder, acted: AdminActed) -> Outcome:
        """An order for another account is rare: it is written alone, with its audit event in the same transaction."""
        async with self._db.transaction() as tx:
            [outcome] = await self._store.place([new], self._policy.account, tx)
            if outcome is Outcome.WRITTEN:
                await tx.emit(acted)
        return outcome

    async def _write_batch(self, orders: Sequence[NewOrder]) -> Sequence[Outcome]:
        return await self._store.place(orders, self._policy.account)

    async def _find_existing(self, command: PlaceOrder) -> ExistingOrder | None:
        return await self._store.find_by_key(command.caller_id, command.request_id)


def _as_requested(command: PlaceOrder, reservation: Reservation) -> Reservation:
    """A repeated request may name the lines in another order than the one that made the reservation; charges go by position."""
    position = {variant_id: index for index, variant_id in enumerate(command.quantities)}
    lines = sorted(reservation.lines, key=lambda line: position[line.sold_id])
    return replace(reservation, lines=tuple(lines))


def _list_price(priced: Priced) -> Money | None:
    return Money(priced.quote.list_price, priced.quote.currency) if priced.quote else None


def _charged(lines: Sequence[Line], quote: Quote) -> tuple[Line, ...]:
    """The lines with what they cost."""
    charges = zip(lines, quote.lines, strict=True)
    return tuple(replace(line, amounts=line_amounts(quote, charge)) for line, charge in charges)


def _require_same_request(existing: ExistingOrder, command: PlaceOrder) -> Order:
    if not command.matches(existing.input_hash):
        raise IdempotencyConflict()
    return existing.order


def _rejection(outcome: Outcome) -> SoukError:
    match outcome:
        case Outcome.RULES_CHANGED:
            return RulesChanged()
        case Outcome.CART_CHANGED:
            return CartChanged()
        case Outcome.TOO_MANY_PENDING:
            return TooManyPending(details={"retry_after": _RETRY_AFTER_SECONDS})
        case Outcome.TOO_MANY_FAILED:
            return TooManyFailedPayments(details={"retry_after": _RETRY_AFTER_SECONDS})
        case _:
            return Internal(f"an order without a key was not written: {outcome.value}")
