"""What holds after an upgrade: every row has what the new version expects, and each order of the run was handled once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from kit.testing import eventually
from kit.values import ORDER, PRODUCT
from tests.e2e.shop import Shop
from tests.upgrade.traffic import Order, Traffic

_SETTLE_SECONDS: Final = 600.0
# In every database.
_COMMON: Final[Mapping[str, str]] = {
    "invalid indexes": "SELECT count(*) FROM pg_index WHERE NOT indisvalid",
    "constraints that are not validated": "SELECT count(*) FROM pg_constraint WHERE NOT convalidated",
}
_QUERIES: Final[Mapping[str, Mapping[str, str]]] = {
    "order": {
        "orders with a number of another": "SELECT count(*) - count(DISTINCT order_number(number, id)) FROM orders",
    },
    "catalog": {
        "products without a variant": """
SELECT count(*) FROM products p WHERE NOT EXISTS (SELECT FROM variants v WHERE v.product_id = p.id)
""",
        "products that differ from their variant": """
SELECT count(*) FROM products p JOIN variants v USING (id)
WHERE p.options = '[]' AND (p.price, p.sku, p.delete_time) IS DISTINCT FROM (v.price, v.sku, v.delete_time)
""",
        "stock of no variant": """
SELECT count(*) FROM stock s WHERE NOT EXISTS (SELECT FROM variants v WHERE v.id = s.product_id)
""",
    },
}
# No order of before is rewritten by the migrations.
_REWRITTEN: Final = "SELECT count(*) FROM orders WHERE create_time < $1 AND number IS NOT NULL"
_STOCK: Final = """
SELECT (SELECT free FROM stock WHERE product_id = $1)
    + coalesce((SELECT sum(taken) FROM reservation_lines JOIN reservations USING (order_id)
                WHERE product_id = $1 AND state IN ('HELD', 'COMMITTED')), 0)
    - (SELECT sum(delta) FROM stock_adjustments WHERE product_id = $1)
"""
_STATUSES: Final = "SELECT id, status FROM orders WHERE id = ANY($1::uuid[])"
_UNFINISHED: Final = """
SELECT count(*) FROM payments LEFT JOIN refunds r ON r.payment_id = payments.id
WHERE order_id = ANY($1::uuid[]) AND (payments.due_time IS NOT NULL OR r.due_time IS NOT NULL)
"""
# What was captured of an order's payment and not refunded.
_NET_CAPTURED: Final = """
SELECT order_id, CASE WHEN status = 'SUCCEEDED' THEN amount ELSE 0 END - coalesce((
    SELECT sum(amount) FROM refunds WHERE payment_id = payments.id AND status = 'SUCCEEDED'
), 0) AS net FROM payments WHERE order_id = ANY($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Databases:
    """Connections to the databases, by service."""

    connections: Mapping[str, Any]

    @classmethod
    async def open(cls, urls: Mapping[str, str]) -> Databases:
        """Connects to all of them."""
        return cls({name: await asyncpg.connect(url, command_timeout=3600) for name, url in urls.items()})

    async def close(self) -> None:
        """Closes the connections."""
        for connection in self.connections.values():
            await connection.close()

    async def violations(self, traffic: Traffic, started: datetime) -> list[str]:
        """What does not hold; `started`: when the first request was sent."""
        violations = [
            f"{name}: {count:,} {what}"
            for name, connection in self.connections.items()
            for what, sql in {**_COMMON, **_QUERIES.get(name, {})}.items()
            if (count := await connection.fetchval(sql))
        ]
        if count := await self.connections["order"].fetchval(_REWRITTEN, started):
            violations.append(f"order: {count:,} orders of before have a number of the sequence")
        if lost := await self.connections["catalog"].fetchval(_STOCK, PRODUCT.parse(traffic.product)):
            violations.append(f"catalog: {lost:+,} units of the product that was ordered")
        await self._settle(traffic.orders)
        return [*violations, *await self._orders(traffic)]

    async def _settle(self, orders: Sequence[Order]) -> None:
        ids = _ids(orders)

        async def settled() -> bool:
            rows = await self.connections["order"].fetch(_STATUSES, ids)
            unpaid = await self.connections["payment"].fetchval(_UNFINISHED, ids)
            return not unpaid and all(row["status"] != "PENDING" for row in rows)

        await eventually(settled, seconds=_SETTLE_SECONDS)

    async def _orders(self, traffic: Traffic) -> list[str]:
        ids = _ids(traffic.orders)
        statuses = dict(await self.connections["order"].fetch(_STATUSES, ids))
        net = dict(await self.connections["payment"].fetch(_NET_CAPTURED, ids))
        charges = await captured(traffic.shop)
        violations = []
        for order, key in zip(traffic.orders, ids, strict=True):
            expected = "CANCELLED" if order.cancelled else "CONFIRMED"
            if statuses.get(key) != expected:
                violations.append(f"{order.id} is {statuses.get(key)}, not {expected}")
            elif bool(net.get(key)) == order.cancelled:
                violations.append(
                    f"{order.id} is {expected}, and {net.get(key)} of its payment were captured and not refunded"
                )
            elif charges[order.id] > 1 or not (charges[order.id] or order.cancelled):
                violations.append(f"{order.id} was charged {charges[order.id]} times")
        return violations


async def captured(shop: Shop) -> Counter[str]:
    """How often the provider has charged each order."""
    intents = await shop.ask_provider("GET", "/mock/payment_intents")
    return Counter(
        intent["metadata"].get("order_id") for intent in intents["data"] if intent["amount_received"]
    )


def _ids(orders: Sequence[Order]) -> list[UUID]:
    return [ORDER.parse(order.id) for order in orders]
