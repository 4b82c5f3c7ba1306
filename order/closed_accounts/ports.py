"""What closing an account's orders needs: a store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from kit.values import Position
from order.orders.domain import Order


class ClosedAccountStore(Protocol):
    """Deleted accounts and their orders."""

    async def lock_open(self, tx: Transaction, account_id: UUID) -> list[Order]:
        """The account's orders that are neither DELIVERED nor CANCELLED, locked until `tx` ends."""

    async def anonymize(self, tx: Transaction, account_id: UUID) -> None:
        """Removes notes, addresses except the country, and the customer's cancellation texts from the account's orders."""

    async def record_closed_account(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Records the time at which an account was deleted; the first one counts."""

    async def is_closed(self, tx: Transaction, account_id: UUID) -> bool:
        """Whether the account was deleted."""

    async def closed_accounts_with_open_orders(
        self, after: Position, limit: int
    ) -> tuple[Sequence[UUID], Position | None]:
        """Of the next `limit` deleted accounts, by time, those that still have an order to cancel or to anonymize, or a cart.

        And where to go on; None at the end.
        """


class AccountCarts(Protocol):
    """The carts of deleted accounts and merged guests."""

    async def merge(self, tx: Transaction, guest_id: UUID, into_id: UUID) -> bool:
        """Moves a guest's carts to an account; idempotent."""

    async def erase(self, tx: Transaction, account_id: UUID) -> None:
        """Deletes all carts of an account."""
