"""The stored orders of a load run, to compare with k6's counts. All other consistency checks are in tests/invariants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import asyncpg

_IN_RUN = "request_id LIKE $1 || '-%'"

_ORDERS = f"""
SELECT count(*) AS orders,
    count(*) FILTER (WHERE status = 'PENDING') AS pending,
    count(*) FILTER (WHERE status = 'CONFIRMED') AS confirmed,
    count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled,
    count(DISTINCT (caller_id, request_id)) AS keys
FROM orders WHERE {_IN_RUN}
"""


@dataclass(frozen=True)
class ConsistencyCheck:
    """Connections to the databases of a development stack."""

    order: Any
    catalog: Any
    payment: Any

    @classmethod
    async def open(cls, postgres: str) -> Self:
        """`postgres`: postgresql://user:password@host:port, without a database."""
        return cls(*[await asyncpg.connect(f"{postgres}/{name}") for name in ("order", "catalog", "payment")])

    async def close(self) -> None:
        """Closes the connections."""
        for connection in (self.order, self.catalog, self.payment):
            await connection.close()

    async def analyze(self) -> None:
        """Updates statistics: plans made for empty tables would scan them until autovacuum runs, once a minute."""
        for connection in (self.order, self.catalog, self.payment):
            await connection.execute("ANALYZE")

    async def orders(self, run: str) -> Mapping[str, int]:
        """The orders of a run: total, by status, and distinct keys."""
        return dict(await self.order.fetchrow(_ORDERS, run))

    async def differences(self, run: str, successful: int) -> list[str]:
        """Differences between the successful responses that k6 counted and the stored orders."""
        orders = await self.orders(run)
        counts = {"responses": successful, "orders": orders["orders"], "keys": orders["keys"]}
        return [] if len(set(counts.values())) == 1 else [f"the run has {counts}; all must be equal"]
