"""What the use cases of an order need: its store and the catalog's stock."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from order.orders.domain import Order


class StockState(StrEnum):
    """The state of an order's reservation in the catalog."""

    NONE = "NONE"
    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    RETURNED = "RETURNED"

    @property
    def holds_stock(self) -> bool:
        """Whether the catalog holds or has sold the stock for this order."""
        return self in (StockState.HELD, StockState.COMMITTED)


class OrderStore(Protocol):
    """Reads, locks and saves orders. With an `owner`, an order is returned only if it belongs to that account."""

    async def get(self, order_id: UUID, owner: UUID | None) -> Order | None:
        """An order without a lock."""

    async def lock(self, tx: Transaction, order_id: UUID, owner: UUID | None = None) -> Order | None:
        """An order, locked until `tx` ends."""

    async def lock_overdue(self, tx: Transaction, now: datetime, limit: int) -> list[Order]:
        """PENDING orders past their deadline that no other transaction has locked."""

    async def save(self, tx: Transaction, orders: Sequence[Order]) -> None:
        """Writes what transitions changed."""


class Stock(Protocol):
    """Stock reservations in the catalog."""

    async def commit(self, order_id: UUID) -> StockState:
        """Turns a held reservation into a sale and returns its state; idempotent."""


class ReopenedCarts(Protocol):
    """The carts that orders were placed from."""

    async def reopen(self, tx: Transaction, orders: Sequence[Order]) -> None:
        """Opens the carts of orders that were cancelled unpaid; orders without a cart are ignored."""
