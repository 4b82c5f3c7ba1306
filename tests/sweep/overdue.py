"""Overdue orders: unpaid orders past their deadline, written directly to the databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg

from kit.values import ACCOUNT, PRODUCT

# Reservations expire after the order's deadline, as the settings require, so the cancellation releases the stock, not the expiry.
_INSERT_RESERVATIONS = """
WITH inserted AS (
    INSERT INTO reservations (order_id, state, input_hash, currency, create_time, update_time, expire_time)
    SELECT id, 'HELD', '', 'USD', now(), now(), now() + interval '1 hour' FROM unnest($1::uuid[]) AS id
), lines AS (
    INSERT INTO reservation_lines (order_id, position, product_id, name, unit_price, quantity, taken)
    SELECT order_id, 0, product_id, 'Thing', 100, 1, 1 FROM unnest($1::uuid[], $2::uuid[]) AS o(order_id, product_id)
)
UPDATE stock SET free = free - taken.count
FROM (SELECT id, count(*) FROM unnest($2::uuid[]) AS id GROUP BY id) AS taken WHERE product_id = taken.id
"""
_INSERT_ORDERS = """
WITH inserted AS (
    INSERT INTO orders (
        id, account_id, caller_id, request_id, input_hash, currency, total, refunded, status, status_reason, version, deadline,
        create_time, update_time
    )
    SELECT id, $3, $3, 'overdue-' || id, '', 'USD', 100, 0, 'PENDING', '', 1, now(), now(), now() FROM unnest($1::uuid[]) AS id
), lines AS (
    INSERT INTO order_lines (order_id, position, product_id, name, unit_price, quantity)
    SELECT order_id, 0, product_id, 'Thing', 100, 1 FROM unnest($1::uuid[], $2::uuid[]) AS o(order_id, product_id)
)
INSERT INTO order_status_changes (order_id, position, status, time, note, internal_note)
SELECT id, 0, 'PENDING', now(), '', '' FROM unnest($1::uuid[]) AS id
"""

_STOCK = """
SELECT product_id, free + coalesce((
    SELECT sum(taken) FROM reservation_lines l JOIN reservations USING (order_id)
    WHERE l.product_id = stock.product_id AND state IN ('HELD', 'COMMITTED')
), 0) AS count
FROM stock WHERE product_id = ANY($1::uuid[])
"""


@dataclass(frozen=True)
class OverdueOrders:
    """Connections to the databases of a development stack, and the ids of the overdue orders."""

    catalog: Any
    order: Any
    ids: list[UUID]

    @classmethod
    async def open(cls, postgresql: int) -> Self:
        """`postgresql`: the server's port."""
        url = f"postgresql://souk:souk@127.0.0.1:{postgresql}"
        return cls(await asyncpg.connect(f"{url}/catalog"), await asyncpg.connect(f"{url}/order"), [])

    async def close(self) -> None:
        """Closes the connections."""
        await self.catalog.close()
        await self.order.close()

    async def write(self, account: str, products: Sequence[str], count: int) -> None:
        """Writes `count` orders of one unit, cycling through the products."""
        ids = [uuid4() for _ in range(count)]
        product_ids = list(islice(cycle(PRODUCT.parse(product) for product in products), count))
        await self.catalog.execute(_INSERT_RESERVATIONS, ids, product_ids)
        await self.order.execute(_INSERT_ORDERS, ids, product_ids, ACCOUNT.parse(account))
        self.ids.extend(ids)

    async def pending(self) -> int:
        """The number of orders that are not cancelled yet."""
        sql = "SELECT count(*) FROM orders WHERE id = ANY($1::uuid[]) AND status = 'PENDING'"
        return int(await self.order.fetchval(sql, self.ids))

    async def held(self) -> int:
        """The number of orders whose stock is not released yet."""
        sql = "SELECT count(*) FROM reservations WHERE order_id = ANY($1::uuid[]) AND state <> 'RELEASED'"
        return int(await self.catalog.fetchval(sql, self.ids))

    async def missing(self, products: Sequence[str], stock: int) -> Mapping[str, int]:
        """Units that are neither free nor reserved, by product."""
        rows = await self.catalog.fetch(_STOCK, [PRODUCT.parse(product) for product in products])
        return {
            PRODUCT.format(row["product_id"]): stock - row["count"] for row in rows if row["count"] != stock
        }
