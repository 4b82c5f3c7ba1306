"""In-memory reservations. `test_store` runs on them and on PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from catalog.products.tests.fakes import FakeProductStore
from catalog.reservations.domain import (
    LineQuote,
    PricedLine,
    Reservation,
    ReservationRequest,
    ReservationState,
    rejection_of,
)
from catalog.stock.domain import Action, Adjustment
from catalog.stock.tests.fakes import FakeStockStore
from kit.errors import SoukError
from kit.values import CURRENCIES, Money

HELD, COMMITTED = ReservationState.HELD, ReservationState.COMMITTED
RELEASED, RETURNED = ReservationState.RELEASED, ReservationState.RETURNED


class FakeReservationStore:
    """Reservations of a fake store's products."""

    def __init__(self, products: FakeProductStore, stock: FakeStockStore) -> None:
        self._products = products
        self._stock = stock
        self._reservations: dict[UUID, Reservation] = {}
        self._taken: dict[UUID, dict[UUID, int]] = {}

    async def reserve(
        self, requests: Sequence[ReservationRequest], now: datetime, expire_time: datetime
    ) -> list[Reservation | SoukError]:
        return [self._reserve(request, expire_time) for request in requests]

    async def commit(self, order_ids: Sequence[UUID], now: datetime) -> dict[UUID, ReservationState]:
        return self._change(order_ids, {HELD: COMMITTED})

    async def release(
        self, db: object, order_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, ReservationState]:
        for order_id in order_ids:
            released = Reservation(order_id, RELEASED, b"", (), now)
            if self._reservations.setdefault(order_id, released).state.has_stock:
                self._return_stock(order_id, now)
        return self._change(order_ids, {HELD: RELEASED, COMMITTED: RETURNED})

    async def expire(self, now: datetime, limit: int) -> int:
        held = [r for r in self._reservations.values() if r.state is HELD]
        expired = [r.order_id for r in held if r.expire_time <= now][:limit]
        for order_id in expired:
            self._return_stock(order_id, now)
        self._change(expired, {HELD: RELEASED})
        return len(expired)

    def _reserve(self, request: ReservationRequest, expire_time: datetime) -> Reservation | SoukError:
        if request.order_id in self._reservations:
            return self._reservations[request.order_id]
        quotes = [self._quote(*line) for line in request.quantities.items()]
        if not all(quote.is_enough for quote in quotes) or not _is_acceptable(request, quotes):
            return rejection_of(request, quotes)
        lines = tuple(self._priced(*line) for line in request.quantities.items())
        self._take(request.order_id, quotes)
        reservation = Reservation(request.order_id, HELD, request.input_hash, lines, expire_time)
        self._reservations[request.order_id] = reservation
        return replace(reservation, created=True)

    def _quote(self, variant_id: UUID, quantity: int) -> LineQuote:
        product = self._products.products.get(variant_id)
        price = product.price if product else None
        return LineQuote(variant_id, quantity, price, self._stock.free_stock.get(variant_id))

    def _priced(self, variant_id: UUID, quantity: int) -> PricedLine:
        product = self._products.products[variant_id]
        return PricedLine(product.id, product.name, product.price, quantity, variant_id, product.sku)

    def _take(self, order_id: UUID, quotes: Sequence[LineQuote]) -> None:
        taken = {quote.variant_id: quote.quantity for quote in quotes if quote.free is not None}
        for product_id, quantity in taken.items():
            self._stock.free_stock[product_id] -= quantity
            if not self._stock.free_stock[product_id]:
                self._stock.availability_changes[product_id] = None
        self._taken[order_id] = taken

    def _return_stock(self, order_id: UUID, now: datetime) -> None:
        for product_id, quantity in self._taken.get(order_id, {}).items():
            if product_id not in self._stock.free_stock:
                write_off = Adjustment(uuid4(), product_id, Action.WRITE_OFF, -quantity, "", None, now)
                self._stock.adjustments[write_off.id] = write_off
                continue
            if not self._stock.free_stock[product_id]:
                self._stock.availability_changes[product_id] = None
            self._stock.free_stock[product_id] += quantity

    def _change(
        self, order_ids: Sequence[UUID], transitions: Mapping[ReservationState, ReservationState]
    ) -> dict[UUID, ReservationState]:
        existing = [order_id for order_id in order_ids if order_id in self._reservations]
        for order_id in existing:
            reservation = self._reservations[order_id]
            state = transitions.get(reservation.state, reservation.state)
            self._reservations[order_id] = replace(reservation, state=state)
        return {order_id: self._reservations[order_id].state for order_id in existing}


def _is_acceptable(request: ReservationRequest, quotes: Sequence[LineQuote]) -> bool:
    priced = [(quote.unit_price, quote.quantity) for quote in quotes if quote.unit_price is not None]
    if len(priced) < len(quotes) or len({price.currency for price, _ in priced}) > 1:
        return False
    total = sum(price.minor * quantity for price, quantity in priced)
    currency = CURRENCIES[priced[0][0].currency]
    in_range = currency.minimum <= total <= currency.maximum and total % currency.step == 0
    return in_range and request.expected_total in (None, Money(total, currency.code).decimal())
