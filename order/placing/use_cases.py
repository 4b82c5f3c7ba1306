"""Placing an order: reserves stock in the catalog, then writes the order once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, retry_on_contention
from kit.errors import IdempotencyConflict, SoukError, Violation
from kit.events import AdminActed
from kit.values import ORDER, Clock, utc_now
from kit.work import Batcher
from order.metrics import REJECTIONS
from order.orders.domain import Order, OrderPlaced, Schedule
from order.orders.reporting import record_metrics_and_log
from order.placing.domain import AccountLimits, PlaceOrder
from order.placing.errors import TooManyFailedPayments, TooManyPending, TooManyUnits
from order.placing.order_numbers import OrderNumbers
from order.placing.ports import ExistingOrder, NewOrder, Outcome, PlacingStore, Reservation, Reservations

_REJECTIONS = {Outcome.TOO_MANY_PENDING: TooManyPending, Outcome.TOO_MANY_FAILED: TooManyFailedPayments}
_RETRY_AFTER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Policy:
    """The deployment's rules: how long an order may stay unpaid, units per product, and limits per account."""

    pending: timedelta
    units_per_line: int
    account: AccountLimits


class Placing:
    """Places orders."""

    def __init__(
        self,
        db: Database,
        store: PlacingStore,
        reservations: Reservations,
        policy: Policy,
        clock: Clock = utc_now,
    ) -> None:
        self._db = db
        self._store = store
        self._reservations = reservations
        self._policy = policy
        self._clock = clock
        # Group commit: orders that arrive while a statement runs are written together by the next one.
        self._batcher = Batcher(self._write_batch)
        self._numbers = OrderNumbers(store.take_numbers)

    async def place(self, caller: Principal, command: PlaceOrder, *, address: str = "") -> Order:
        """Places an order, or returns the one already placed with this key; raises IdempotencyConflict if its input differs.

        The order's id is derived from the key, so a retry finds its own reservation.
        """
        caller.require_access_to(command.account_id)
        self._check_units(command)
        order_id = ORDER.derive(str(command.caller_id), command.request_id)
        try:
            reservation = await self._reservations.reserve(order_id, command)
            if not self._can_be_paid(reservation):
                # The key's reservation has expired or is about to. If no order was stored for the key, retry with a new order id; the
                # unique index on (caller_id, request_id) decides between concurrent retries.
                if existing := await self._find_existing(command):
                    return _require_same_request(existing, command)
                if reservation.state.holds_stock:
                    await self._reservations.release(order_id)
                order_id = ORDER.new()
                reservation = await self._reservations.reserve(order_id, command)
        except SoukError as rejection:
            REJECTIONS.labels(rejection.reason).inc()
            raise
        event = self._order_placed(order_id, await self._numbers.next(), command, reservation)
        return await self._write(caller, NewOrder(event, command), address)

    def _check_units(self, command: PlaceOrder) -> None:
        max_units = self._policy.units_per_line
        for line, quantity in zip(command.first_lines, command.quantities.values(), strict=True):
            if quantity > max_units:
                rule = f"at most {max_units:,} of one product in an order"
                raise TooManyUnits(rule, fields=[Violation(("products", line, "quantity"), rule)])

    def _can_be_paid(self, reservation: Reservation) -> bool:
        """Whether an order on this reservation would still have time to be charged: a retry may find one that is minutes old."""
        now = self._clock()
        schedule = Schedule.of(now, self._policy.pending, reservation.expire_time)
        return reservation.state.holds_stock and schedule.pay_before > now

    def _order_placed(
        self, order_id: UUID, number: int, command: PlaceOrder, reservation: Reservation
    ) -> OrderPlaced:
        now = self._clock()
        placed = Order.place(
            order_id,
            number,
            command.account_id,
            reservation.lines,
            command.shipping_address,
            command.payment_method,
            Schedule.of(now, self._policy.pending, reservation.expire_time),
            now,
        )
        return replace(placed, confirmation=command.confirmation)

    async def _write(self, caller: Principal, new: NewOrder, address: str) -> Order:
        order, command = new.event.order, new.command
        if command.account_id == command.caller_id:
            outcome = await self._batcher.run(new)
        else:
            acted = AdminActed.by(caller, "order.place_order", ORDER.format(order.id), address)
            outcome = await self._place_with_audit(new, acted)
        if outcome is Outcome.WRITTEN:
            record_metrics_and_log([new.event])
            return order
        existing = await self._find_existing(command)
        if existing is None or existing.order.id != order.id:
            await self._reservations.release(order.id)
        if existing:
            return _require_same_request(existing, command)
        rejection = _REJECTIONS[outcome]
        REJECTIONS.labels(rejection.reason).inc()
        raise rejection(details={"retry_after": _RETRY_AFTER_SECONDS})

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


def _require_same_request(existing: ExistingOrder, command: PlaceOrder) -> Order:
    if not command.matches(existing.input_hash):
        raise IdempotencyConflict()
    return existing.order
