"""Retention of adjustments: those past it are replaced by one CARRIED row per product with their sum.

The sum of a product's adjustments stays the same; a reader of the sum must read all rows in one statement.
"""

import asyncio
import time
from datetime import timedelta
from typing import Final

from kit.db import Database
from kit.work.metrics import PRUNED

_BATCH_SIZE: Final = 500
# ORDER BY product_id: two replicas lock the CARRIED rows in the same order and cannot deadlock.
_CARRY: Final = f"""
WITH old AS MATERIALIZED (
    SELECT id, product_id, delta, create_time FROM stock_adjustments
    WHERE action <> 'CARRIED' AND create_time < now() - $1::interval ORDER BY create_time LIMIT {_BATCH_SIZE:d} FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM stock_adjustments WHERE id = ANY (ARRAY(SELECT id FROM old))
), carried AS (
    INSERT INTO stock_adjustments AS a (id, product_id, action, delta, reason, create_time)
    SELECT gen_random_uuid(), product_id, 'CARRIED', sum(delta)::bigint, '', max(create_time)
    FROM old GROUP BY product_id ORDER BY product_id
    ON CONFLICT (product_id) WHERE action = 'CARRIED'
    DO UPDATE SET delta = a.delta + EXCLUDED.delta, create_time = greatest(a.create_time, EXCLUDED.create_time)
)
SELECT count(*) FROM old
"""  # noqa: S608 - only constants are interpolated


class AdjustmentHistory:
    """Sums up adjustments that are older than `retention`."""

    def __init__(self, db: Database, retention: timedelta) -> None:
        self._db = db
        self._retention = retention

    async def carry(self) -> int:
        """Runs in batches, each followed by a pause of its own duration; returns the number of adjustments that were summed up."""
        total, count = 0, _BATCH_SIZE
        while count == _BATCH_SIZE:
            start = time.monotonic()
            count = int(await self._db.fetchval(_CARRY, self._retention))
            PRUNED.labels("stock_adjustments").inc(count)
            total += count
            await asyncio.sleep(time.monotonic() - start)
        return total
