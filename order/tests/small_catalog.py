"""A catalog of the products that a test puts into it: prices, stock and reservations."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.errors import FailedPrecondition, NotFound, Unavailable, Violation
from kit.values import PRODUCT, Clock, Money, SoldId
from order.carts.domain import Sellable, Unsellable
from order.lines.domain import Line
from order.orders.ports import StockState
from order.placing.domain import PlaceOrder
from order.placing.ports import Reservation
from order.pricing.charges import PricedItem
from order.quotes.ports import QuoteRequest


class SmallCatalog:
    """Sells products without options; `down` makes it unavailable. `states` are the reservations by order id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.states: dict[UUID, StockState] = {}
        self.before_reserving: Callable[[], Awaitable[None]] = _do_nothing
        self.after_reserving: Callable[[], Awaitable[None]] = _do_nothing
        self._sold: dict[UUID, Sellable | Unsellable] = {}
        self._reserved: dict[UUID, Reservation] = {}
        self.down = False
        self.calls: list[Sequence[SoldId]] = []

    def sell(self, price: int = 999, currency: str = "USD", **details: Any) -> UUID:
        """A new product; its id is its variant's too."""
        variant_id = PRODUCT.new()
        self._sold[variant_id] = Sellable(
            product_id=variant_id,
            variant_id=variant_id,
            name="Mug",
            price=Money(price, currency),
            **details,
        )
        return variant_id

    def with_options(self) -> UUID:
        """A product with options."""
        product_id = PRODUCT.new()
        self._sold[product_id] = Unsellable.HAS_OPTIONS
        return product_id

    def change(self, variant_id: UUID, **details: Any) -> None:
        sold = self._sold[variant_id]
        assert isinstance(sold, Sellable)
        self._sold[variant_id] = replace(sold, **details)

    def delete(self, variant_id: UUID) -> None:
        del self._sold[variant_id]

    async def price(self, ids: Sequence[SoldId]) -> Sequence[Sellable | Unsellable]:
        self.calls.append(ids)
        if self.down:
            raise Unavailable("the catalog is down")
        return [self._sold.get(sold.variant_id, Unsellable.UNKNOWN) for sold in ids]

    async def price_lines(self, request: QuoteRequest) -> tuple[str, list[PricedItem]] | None:
        if self.down:
            raise Unavailable("the catalog is down")
        sold = [self._sold.get(variant_id, Unsellable.UNKNOWN) for variant_id in request.quantities]
        variants = [variant for variant in sold if isinstance(variant, Sellable)]
        currencies = {variant.price.currency for variant in variants}
        if len(variants) < len(sold) or len(currencies) > 1:
            return None
        items = [
            PricedItem(
                variant.price.minor,
                quantity,
                variant.tax_class,
                variant.weight_grams,
                variant.requires_shipping,
            )
            for variant, quantity in zip(variants, request.quantities.values(), strict=True)
        ]
        return currencies.pop(), items

    async def reserve(
        self, order_id: UUID, command: PlaceOrder, list_price: Money | None = None
    ) -> Reservation:
        """Prices and reserves at the prices of this moment; what is reserved stays as it was."""
        await self.before_reserving()
        reservation = self._reserve(order_id, command, list_price)
        await self.after_reserving()
        return reservation

    def _reserve(self, order_id: UUID, command: PlaceOrder, list_price: Money | None) -> Reservation:
        if self.down:
            raise Unavailable("the catalog is down")
        if order_id in self._reserved:
            return replace(self._reserved[order_id], state=self.states[order_id], created=False)
        lines = [self._line(index, *line) for index, line in enumerate(command.quantities.items())]
        total = sum((line.total for line in lines[1:]), lines[0].total)
        if command.expected_total and not list_price and Decimal(command.expected_total) != total.decimal():
            raise FailedPrecondition(reason="PRICE_CHANGED", details={"total": total.text()})
        if list_price and total != list_price:
            raise FailedPrecondition(reason="PRICE_CHANGED")
        state = self.states.setdefault(order_id, StockState.HELD)
        expire_time = self._clock() + timedelta(minutes=15)
        self._reserved[order_id] = Reservation(state, tuple(lines), expire_time, created=True)
        return self._reserved[order_id]

    async def commit(self, order_id: UUID) -> StockState:
        self.states[order_id] = StockState.COMMITTED
        return StockState.COMMITTED

    async def release(self, order_id: UUID) -> StockState:
        self.states[order_id] = StockState.RELEASED
        return StockState.RELEASED

    def _line(self, index: int, variant_id: UUID, quantity: int) -> Line:
        sold = self._sold.get(variant_id)
        if not isinstance(sold, Sellable):
            missing = Violation(("products", index, "id"), "must exist")
            raise NotFound(reason="PRODUCT_NOT_FOUND", fields=[missing])
        if sold.max_per_order is not None and quantity > sold.max_per_order:
            raise FailedPrecondition(reason="LINE_OVER_LIMIT")
        if sold.free is not None and sold.free < quantity:
            raise FailedPrecondition(reason="OUT_OF_STOCK")
        return Line(variant_id, sold.name, sold.price, quantity)


async def _do_nothing() -> None: ...
