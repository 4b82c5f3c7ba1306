"""What moves of carts need: a store whose methods run in their caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from kit.values import Position
from order.carts.domain import CartHead
from order.orders.domain import Order


class MovingStore(Protocol):
    """Carts that move to another cart or account, are reopened, or are erased."""

    async def lock_open(self, tx: Transaction, account_ids: Sequence[UUID]) -> Mapping[UUID, CartHead]:
        """The open carts of accounts, by account, locked until `tx` ends."""

    async def lock_ordered(self, tx: Transaction, order_ids: Mapping[UUID, UUID]) -> Sequence[CartHead]:
        """The carts that became these orders, newest first, locked; `order_ids` are by cart."""

    async def reopen(
        self, tx: Transaction, cart_ids: Sequence[UUID], now: datetime, expire_time: datetime
    ) -> None:
        """Opens carts whose accounts have no open one; raises DatabaseContention if one was opened concurrently."""

    async def merge_lines(self, tx: Transaction, source_id: UUID, target_id: UUID) -> bool:
        """Moves lines to another cart, the larger quantity of both; false if some stayed because of the limit of lines."""

    async def end_merged(
        self, tx: Transaction, source_id: UUID, target_id: UUID, now: datetime, expire_time: datetime
    ) -> None:
        """Ends a cart as MERGED into another one, which takes over what it does not have: addresses, method, note, currency.

        Carts that were merged into the ended one count as merged into the other.
        """

    async def cancelled_orders(
        self, tx: Transaction, after: Position, limit: int
    ) -> tuple[Sequence[Order], Position | None]:
        """Of the next `limit` cancelled orders of carts, by time, those whose cart is ORDERED, and where to go on; None at the end."""

    async def change_owner(self, tx: Transaction, from_id: UUID, to_id: UUID) -> None:
        """Gives all carts of an account to another one; raises DatabaseContention if that opened a cart concurrently."""

    async def erase(self, tx: Transaction, account_id: UUID) -> None:
        """Deletes all carts of an account."""


class Guests(Protocol):
    """Guests in the account service."""

    async def merge(self, guest_token: str) -> UUID:
        """Merges the guest of a token into the caller's account, once; the guest's id. Raises the errors of the account service."""
