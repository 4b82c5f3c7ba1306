"""Old stock adjustments: each is kept for a while, then only their sum, so that free + held + sold = the sum of a product's adjustments.

Other statements about adjustments are in `stock_store`. Whoever reads a sum reads the rows of one statement, so it never sees half of this.
"""

import asyncio
import time
from datetime import timedelta
from typing import Final

from kit.db import Database
from kit.work.metrics import PRUNED

_BATCH: Final = 500
# The products of a batch are written in their order, so that two replicas cannot deadlock.
_CARRY = f"""
WITH old AS MATERIALIZED (
    SELECT id, product_id, delta, create_time FROM stock_adjustments
    WHERE action <> 'CARRIED' AND create_time < now() - $1::interval ORDER BY create_time LIMIT {_BATCH:d} FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM stock_adjustments WHERE id = ANY (ARRAY(SELECT id FROM old))
), carried AS (
    INSERT INTO stock_adjustments AS a (id, product_id, action, delta, reason, create_time)
    SELECT gen_random_uuid(), product_id, 'CARRIED', sum(delta)::bigint, '', max(create_time)
    FROM old GROUP BY product_id ORDER BY product_id
    ON CONFLICT (product_id) WHERE action = 'CARRIED'
    DO UPDATE SET delta = a.delta + EXCLUDED.delta, create_time = greatest(a.create_time, EXCLUDED.create_time)
)
SELECT count(*) FROM old
"""  # noqa: S608 - of constants


class AdjustmentHistory:
    """Adds up what is older than `keep`."""

    def __init__(self, db: Database, keep: timedelta) -> None:
        self._db = db
        self._keep = keep

    async def carry(self) -> int:
        """The sweep, in batches with pauses as long as they took; answers how many adjustments became part of a sum."""
        total, found = 0, _BATCH
        while found == _BATCH:
            began = time.monotonic()
            found = int(await self._db.fetchval(_CARRY, self._keep))
            PRUNED.labels("stock_adjustments").inc(found)
            total += found
            await asyncio.sleep(time.monotonic() - began)
        return total
