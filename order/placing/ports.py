"""What placing an order needs of the catalog: reservations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.values import Money
from order.lines.domain import Line
from order.orders.ports import StockState
from order.placing.domain import PlaceOrder


@dataclass(frozen=True, slots=True)
class Reservation:
    """The catalog's reservation for an order; it has priced lines only if `state.holds_stock`.

    `created`: by this call. Otherwise another call with the same key may be about to use it.
    """

    state: StockState
    lines: tuple[Line, ...]
    expire_time: datetime
    created: bool = False


class Reservations(Protocol):
    """Stock reservations in the catalog."""

    async def reserve(
        self, order_id: UUID, command: PlaceOrder, list_price: Money | None = None
    ) -> Reservation:
        """Prices and reserves all products or none; idempotent by order id.

        `list_price` is what the lines were priced at, if the total was judged before: the catalog then raises PRICE_CHANGED only where
        that is not their price any more, and leaves the limits of totals to the caller. Raises the catalog's errors, with paths that name
        the caller's lines.
        """

    async def release(self, order_id: UUID) -> StockState:
        """Returns the stock of a reservation."""
