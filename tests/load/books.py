"""Checks the books after a load run, in the databases: what was answered, stored, told and taken off the stock is the same.

Black box but for this room: it knows the services' tables, as an auditor does, and only reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

_OF_RUN = "request_id LIKE $1 || '-%'"

_ORDERS = f"""
SELECT count(*) AS orders,
    count(*) FILTER (WHERE status = 'PENDING') AS pending,
    count(*) FILTER (WHERE status = 'CONFIRMED') AS confirmed,
    count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled,
    count(DISTINCT (caller_id, request_id)) AS keys
FROM orders WHERE {_OF_RUN}
"""
_LINES = f"""
SELECT product_id, sum(quantity) AS quantity FROM order_lines JOIN orders ON orders.id = order_id
WHERE {_OF_RUN} GROUP BY product_id
"""
_TOLD = """
SELECT type, count(*) AS events, count(*) FILTER (WHERE published_at IS NULL) AS unpublished FROM outbox
WHERE time >= $1 GROUP BY type
"""


@dataclass(frozen=True)
class Books:
    """Connections to the databases of a development stack."""

    order: Any
    catalog: Any
    payment: Any

    @classmethod
    async def open(cls, postgres: str) -> "Books":
        """`postgres`: postgresql://user:password@host:port, without a database."""
        return cls(*[await asyncpg.connect(f"{postgres}/{name}") for name in ("order", "catalog", "payment")])

    async def close(self) -> None:
        """Lets go of them."""
        for connection in (self.order, self.catalog, self.payment):
            await connection.close()

    async def analyze(self) -> None:
        """Plans made on empty tables would scan them until autovacuum comes by, once a minute."""
        for connection in (self.order, self.catalog, self.payment):
            await connection.execute("ANALYZE")

    async def orders(self, run: str) -> Mapping[str, int]:
        """How many orders of a run there are, by status."""
        return dict(await self.order.fetchrow(_ORDERS, run))

    async def faults(self, run: str, answered: int, began: Any, stock: int) -> list[str]:
        """Everything that does not add up once a run has drained; `stock` is what each product of the run began with."""
        found: list[str] = []

        def same(what: str, *values: object) -> None:
            if len(set(values)) > 1:
                found.append(f"{what}: {values}")

        orders = await self.orders(run)
        same("answers, orders, keys", answered, orders["orders"], orders["keys"])
        same("orders that are still PENDING", orders["pending"], 0)
        told = {row["type"].rpartition(".")[2]: row for row in await self.order.fetch(_TOLD, began)}
        same("orders and OrderPlaced", orders["orders"], told["OrderPlaced"]["events"])
        same("CONFIRMED orders and OrderConfirmed", orders["confirmed"], told["OrderConfirmed"]["events"])
        same("unpublished events", sum(row["unpublished"] for row in told.values()), 0)
        sold = {row["product_id"]: row["quantity"] for row in await self.order.fetch(_LINES, run)}
        rows = await self.catalog.fetch(
            "SELECT product_id, free FROM stock WHERE product_id = ANY($1)", list(sold)
        )
        if orders["cancelled"] == 0:
            for row in rows:
                same(f"stock of {row['product_id']}", row["free"], stock - sold[row["product_id"]])
        return found
