"""What placing an order needs: a store and the catalog's reservations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from kit.events import context_headers
from order.orders.domain import Line, Order, OrderPlaced
from order.orders.ports import StockState
from order.placing.domain import AccountLimits, PlaceOrder


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to write. `headers` are the trace context of its event, because orders of several calls are written together."""

    event: OrderPlaced
    command: PlaceOrder
    headers: str = field(default_factory=context_headers)


class Outcome(Enum):
    """The result of writing a new order."""

    WRITTEN = "WRITTEN"
    # An order with this id, or with the caller's idempotency key, exists.
    DUPLICATE = "DUPLICATE"
    TOO_MANY_PENDING = "TOO_MANY_PENDING"
    TOO_MANY_FAILED = "TOO_MANY_FAILED"


@dataclass(frozen=True, slots=True)
class ExistingOrder:
    """The order that was placed with an idempotency key, and the hash of its input."""

    order: Order
    input_hash: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """The catalog's reservation for an order; it has priced lines only if `state.holds_stock`."""

    state: StockState
    lines: tuple[Line, ...]
    expire_time: datetime


class PlacingStore(Protocol):
    """Writes new orders."""

    async def place(
        self, orders: Sequence[NewOrder], limits: AccountLimits, tx: Transaction | None = None
    ) -> list[Outcome]:
        """Writes orders and their events, each or not, in one statement; returns an outcome per order.

        With a transaction, they are written when it commits.
        """
        ...

    async def find_by_key(self, caller_id: UUID, request_id: str) -> ExistingOrder | None:
        """The order that was placed with an idempotency key."""
        ...

    async def take_numbers(self, count: int) -> list[int]:
        """Order numbers that no other call has taken or will take."""
        ...


class Reservations(Protocol):
    """Stock reservations in the catalog."""

    async def reserve(self, order_id: UUID, command: PlaceOrder) -> Reservation:
        """Prices and reserves all products or none; idempotent by order id.

        Raises the catalog's errors, with paths that name the caller's lines.
        """
        ...

    async def release(self, order_id: UUID) -> StockState:
        """Returns the stock of a reservation."""
        ...
