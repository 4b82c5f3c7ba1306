"""Orders that were never paid and are past their deadline: written into the databases, as thousands of buyers would have left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg

from kit.values import ACCOUNT, PRODUCT

# Reservations outlive the deadline, as the settings demand; so it is the order's end that gives the stock back, not the expiry.
_RESERVED = """
WITH made AS (
    INSERT INTO reservations (order_id, state, input_hash, currency, create_time, update_time, expire_time)
    SELECT id, 'HELD', '', 'USD', now(), now(), now() + interval '1 hour' FROM unnest($1::uuid[]) AS id
), lines AS (
    INSERT INTO reservation_lines (order_id, position, product_id, name, unit_price, quantity, taken)
    SELECT order_id, 0, product_id, 'Thing', 100, 1, 1 FROM unnest($1::uuid[], $2::uuid[]) AS o(order_id, product_id)
)
UPDATE stock SET free = free - taken.count
FROM (SELECT id, count(*) FROM unnest($2::uuid[]) AS id GROUP BY id) AS taken WHERE product_id = taken.id
"""
_ORDERED = """
WITH made AS (
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

_COUNTED = """
SELECT product_id, free + coalesce((
    SELECT sum(taken) FROM reservation_lines l JOIN reservations USING (order_id)
    WHERE l.product_id = stock.product_id AND state IN ('HELD', 'COMMITTED')
), 0) AS count
FROM stock WHERE product_id = ANY($1::uuid[])
"""


@dataclass(frozen=True)
class Books:
    """Connections to the databases of a development stack, and the overdue orders that were written."""

    catalog: Any
    order: Any
    ids: list[UUID]

    @classmethod
    async def open(cls, postgresql: int) -> Self:
        """`postgresql`: its port."""
        url = f"postgresql://souk:souk@127.0.0.1:{postgresql}"
        return cls(await asyncpg.connect(f"{url}/catalog"), await asyncpg.connect(f"{url}/order"), [])

    async def close(self) -> None:
        """Closes the connections."""
        await self.catalog.close()
        await self.order.close()

    async def write(self, account: str, products: Sequence[str], count: int) -> None:
        """So many orders of one unit each, of each product in turn."""
        ids = [uuid4() for _ in range(count)]
        wanted = list(islice(cycle(PRODUCT.parse(each) for each in products), count))
        await self.catalog.execute(_RESERVED, ids, wanted)
        await self.order.execute(_ORDERED, ids, wanted, ACCOUNT.parse(account))
        self.ids.extend(ids)

    async def pending(self) -> int:
        """How many of them are not cancelled yet."""
        sql = "SELECT count(*) FROM orders WHERE id = ANY($1::uuid[]) AND status = 'PENDING'"
        return int(await self.order.fetchval(sql, self.ids))

    async def held(self) -> int:
        """How many of them have not given their stock back."""
        sql = "SELECT count(*) FROM reservations WHERE order_id = ANY($1::uuid[]) AND state <> 'RELEASED'"
        return int(await self.catalog.fetchval(sql, self.ids))

    async def missing(self, products: Sequence[str], stock: int) -> Mapping[str, int]:
        """Of which products less is free or reserved than there was."""
        rows = await self.catalog.fetch(_COUNTED, [PRODUCT.parse(each) for each in products])
        return {
            PRODUCT.format(row["product_id"]): stock - row["count"] for row in rows if row["count"] != stock
        }
