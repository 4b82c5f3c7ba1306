"""What lists of orders need: a filter and a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from order.orders.domain import Order, Status


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """None matches any value; an empty `statuses` matches nothing. `created_after` is inclusive, `created_before` exclusive."""

    account_id: UUID | None = None
    statuses: tuple[Status, ...] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """What an account has ordered: whether an order is open, and when one changed last."""

    has_open: bool
    update_time: datetime


@dataclass(frozen=True, slots=True)
class OrderOwner:
    """The account of an order, and whether the order was ever paid."""

    account_id: UUID
    paid: bool


class ListingStore(Protocol):
    """Reads pages of orders, newest first. A count is None above MAX_COUNT."""

    async def page(self, filter: OrderFilter, after: tuple[datetime, UUID] | None, limit: int) -> list[Order]:
        """The orders after the one with that creation time and id."""

    async def page_by_account(
        self, filter: OrderFilter, account_ids: Sequence[UUID], limit: int
    ) -> Mapping[UUID, Sequence[Order]]:
        """The newest orders of each account; accounts without orders may be missing."""

    async def count(self, filter: OrderFilter) -> int | None:
        """The number of orders."""

    async def count_by_account(
        self, filter: OrderFilter, account_ids: Sequence[UUID]
    ) -> Mapping[UUID, int | None]:
        """The number of orders of each account."""

    async def summaries(self, account_ids: Sequence[UUID]) -> Mapping[UUID, OrderSummary]:
        """What each account has ordered; accounts without orders are missing."""

    async def owner(self, number: int) -> OrderOwner | None:
        """Of the order with a number."""
