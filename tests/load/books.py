"""The orders of one load run, in the database. Whether the books are right is for tests/invariants to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

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


@dataclass(frozen=True)
class Books:
    """Connections to the databases of a development stack."""

    order: Any
    catalog: Any
    payment: Any

    @classmethod
    async def open(cls, postgres: str) -> Self:
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

    async def faults(self, run: str, answered: int) -> list[str]:
        """What does not add up between the answers that k6 counted and the orders that are stored."""
        orders = await self.orders(run)
        counts = {"answers": answered, "orders": orders["orders"], "keys": orders["keys"]}
        return [] if len(set(counts.values())) == 1 else [f"a run has {counts}"]
