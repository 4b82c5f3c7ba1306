"""Pages of orders, newest first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.auth import Principal
from kit.values import Page
from order.listing.ports import ListingStore, OrderFilter, OrderOwner, OrderSummary
from order.orders.domain import Order


class Listing:
    """Lists orders."""

    def __init__(self, store: ListingStore) -> None:
        self._store = store

    async def page(
        self, filter: OrderFilter, after: tuple[datetime, UUID] | None, size: int, *, count: bool
    ) -> Page[Order]:
        """One page. The caller has already limited `filter` to the orders it may see."""
        orders = await self._store.page(filter, after, size + 1)
        return Page.of(orders, size, await self._store.count(filter) if count else None)

    async def page_by_account(
        self, caller: Principal, filter: OrderFilter, account_ids: Sequence[UUID], size: int, *, count: bool
    ) -> Sequence[Page[Order]]:
        """The first page of each account; raises PermissionDenied if the caller may not see one of them."""
        caller.require_access_to(*account_ids)
        pages = await self._store.page_by_account(filter, account_ids, size + 1)
        totals = await self._store.count_by_account(filter, account_ids) if count else {}
        return [
            Page.of(pages.get(account_id, ()), size, totals[account_id] if count else None)
            for account_id in account_ids
        ]

    async def summaries(self, account_ids: Sequence[UUID]) -> list[OrderSummary | None]:
        """What each account has ordered, in the order of the ids; None: nothing."""
        summaries = await self._store.summaries(account_ids)
        return [summaries.get(account_id) for account_id in account_ids]

    async def owner(self, number: int) -> OrderOwner | None:
        """Of the order with a number."""
        return await self._store.owner(number)
