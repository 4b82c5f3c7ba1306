"""The stored orders of a load run: how far they are, and whether they are what k6 counted. All other checks are in tests/invariants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

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
_TIMES = f"SELECT id, create_time FROM orders WHERE {_IN_RUN} ORDER BY create_time"
_PENDING = "SELECT count(*) FROM orders WHERE status = 'PENDING'"
_QUEUED = "SELECT count(*) FROM notifications WHERE status = 'QUEUED'"


@dataclass(frozen=True)
class ConsistencyCheck:
    """Connections to the databases of a development stack."""

    order: Any
    catalog: Any
    payment: Any
    notification: Any

    @classmethod
    async def open(cls, postgres: str) -> Self:
        """`postgres`: postgresql://user:password@host:port, without a database."""
        names = ("order", "catalog", "payment", "notification")
        return cls(*[await asyncpg.connect(f"{postgres}/{name}") for name in names])

    async def close(self) -> None:
        """Closes the connections."""
        for connection in (self.order, self.catalog, self.payment, self.notification):
            await connection.close()

    async def orders(self, run: str) -> Mapping[str, int]:
        """The orders of a run: total, by status, and distinct keys."""
        return dict(await self.order.fetchrow(_ORDERS, run))

    async def order_times(self, run: str) -> Sequence[tuple[UUID, datetime]]:
        """When each order of a run was created, the oldest first."""
        return [(row["id"], row["create_time"]) for row in await self.order.fetch(_TIMES, run)]

    async def unfinished(self) -> tuple[int, int]:
        """Orders that are not charged yet, and mails that are not sent yet, of all runs."""
        return await self.order.fetchval(_PENDING), await self.notification.fetchval(_QUEUED)

    async def differences(self, run: str, successful: int) -> list[str]:
        """Differences between the successful responses that k6 counted and the stored orders."""
        orders = await self.orders(run)
        counts = {"responses": successful, "orders": orders["orders"], "keys": orders["keys"]}
        return [] if len(set(counts.values())) == 1 else [f"the run has {counts}; all must be equal"]
