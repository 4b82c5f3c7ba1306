"""Reads pages and counts of orders; the SQL is in `queries`."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.db import Database
from kit.values import exact_count
from order.listing.ports import OrderFilter, OrderOwner, OrderSummary
from order.listing.queries import count_orders, newest_orders
from order.orders.domain import Order
from order.orders.rows import ORDER_COLUMNS, order_from_row

_SUMMARIES = """
SELECT account_id, bool_or(status IN ('PENDING', 'CONFIRMED', 'SHIPPED')) AS has_open, max(update_time) AS update_time
FROM orders WHERE account_id = ANY($1::uuid[]) GROUP BY account_id
"""
# A cancelled order that was paid has been refunded, or will be in a moment.
_OWNER = """
SELECT account_id, status IN ('CONFIRMED', 'SHIPPED', 'DELIVERED') OR refunded > 0 AS paid FROM orders
WHERE order_number(number, id) = $1
"""


class PostgresListingStore:
    """`ports.ListingStore` on PostgreSQL: keyset pagination, one statement per call."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, filter: OrderFilter, after: tuple[datetime, UUID] | None, limit: int) -> list[Order]:
        """The orders after the one with that creation time and id."""
        newest, args = newest_orders(filter, after, limit)
        sql = f"{ORDER_COLUMNS} FROM ({newest}) o ORDER BY o.create_time DESC, o.id DESC"
        return [order_from_row(row) for row in await self._db.fetch(sql, *args)]

    async def page_by_account(
        self, filter: OrderFilter, account_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, list[Order]]:
        """Accounts without orders are missing."""
        newest, args = newest_orders(filter, None, limit, account="account.id")
        sql = (
            f"{ORDER_COLUMNS} FROM unnest(${len(args) + 1}::uuid[]) AS account(id), LATERAL ({newest}) o "
            "ORDER BY o.create_time DESC, o.id DESC"
        )
        pages: dict[UUID, list[Order]] = defaultdict(list)
        for row in await self._db.fetch(sql, *args, list(account_ids)):
            pages[row["account_id"]].append(order_from_row(row))
        return dict(pages)

    async def count(self, filter: OrderFilter) -> int | None:
        """Stops counting above MAX_COUNT."""
        count, args = count_orders(filter)
        return exact_count(await self._db.fetchval(count, *args))

    async def count_by_account(
        self, filter: OrderFilter, account_ids: Sequence[UUID]
    ) -> dict[UUID, int | None]:
        """Stops counting each account above MAX_COUNT."""
        count, args = count_orders(filter, account="account.id")
        sql = f"SELECT account.id, counted.count FROM unnest(${len(args) + 1}::uuid[]) AS account(id), LATERAL ({count}) counted"  # noqa: S608 - built from constants
        rows = await self._db.fetch(sql, *args, list(account_ids))
        return {row["id"]: exact_count(row["count"]) for row in rows}

    async def summaries(self, account_ids: Sequence[UUID]) -> dict[UUID, OrderSummary]:
        """By the index of an account's orders."""
        rows = await self._db.fetch(_SUMMARIES, list(account_ids))
        return {row["account_id"]: OrderSummary(row["has_open"], row["update_time"]) for row in rows}

    async def owner(self, number: int) -> OrderOwner | None:
        """By the unique index of numbers."""
        row = await self._db.fetchrow(_OWNER, number)
        return OrderOwner(row["account_id"], row["paid"]) if row else None
