"""What carts need: a store and the catalog's prices."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from kit.values import SoldId
from order.carts.domain import Addition, Cart, CartChange, CartHead, NewLine, Sellable, Unsellable


class CartStore(Protocol):
    """Open carts. Each change increments the version; methods with `tx` hold the cart's lock until it ends."""

    async def get(self, account_id: UUID) -> Cart | None:
        """The open cart of an account."""

    async def find_request(self, account_id: UUID, request_id: str) -> bytes | None:
        """The input hash of an addition that was stored with this key."""

    async def record_request(
        self, tx: Transaction, account_id: UUID, addition: Addition, now: datetime
    ) -> bytes | None:
        """Stores the addition's key; the input hash of an addition that was stored with this key before."""

    async def open(
        self, tx: Transaction, account_id: UUID, currency: str, now: datetime, expire_time: datetime
    ) -> CartHead:
        """Locks the open cart of an account, created if there is none; an empty cart takes the currency."""

    async def add_lines(self, tx: Transaction, cart_id: UUID, lines: Sequence[NewLine], now: datetime) -> int:
        """Adds units to a locked cart; returns its number of lines."""

    async def lock_line(
        self, tx: Transaction, account_id: UUID, line_id: UUID, now: datetime, expire_time: datetime
    ) -> UUID | None:
        """Locks the open cart that has the line; None, without a change, if there is none. A concurrent change may remove the line."""

    async def set_quantity(self, tx: Transaction, cart_id: UUID, line_id: UUID, quantity: int) -> bool:
        """Sets the quantity of a locked cart's line, or removes the line at 0; false if it has no such line."""

    async def change(
        self, account_id: UUID, change: CartChange, now: datetime, expire_time: datetime
    ) -> None:
        """Sets addresses, shipping method and note of the open cart, created if there is none."""


class Prices(Protocol):
    """The catalog's current prices."""

    async def price(self, ids: Sequence[SoldId]) -> Sequence[Sellable | Unsellable]:
        """What is sold under each id: 1-100, each once."""
