"""The measures of retention jobs, in worlds of any size."""

from typing import Any

import pytest

from kit.db import Database
from tests.scale.retention_measures import (
    account_retention,
    catalog_retention,
    notification_retention,
    order_retention,
)
from tests.scale.run import world_of


class EmptyDatabase(Database):
    """Has nothing to delete."""

    async def execute(self, sql: str, *args: Any) -> str:
        return "DELETE 0"

    async def fetchval(self, sql: str, *args: Any) -> int:
        return 0


@pytest.mark.parametrize("orders", [2_000, 20_000, 10_000_000])
async def test_no_run_keeps_less_than_a_service_may(orders: int) -> None:
    db, world = EmptyDatabase("postgresql://localhost/none"), world_of(orders, 2_000, 500)
    for measures in (order_retention, catalog_retention, account_retention, notification_retention):
        for measure in measures(db, world):
            for _ in range(20):
                await measure.run()
