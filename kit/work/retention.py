"""Deletes or reduces rows beyond the retention of their table, in small batches."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from kit.db import Database
from kit.telemetry import get_logger
from kit.work.metrics import PRUNED
from kit.work.periodic_job import PeriodicJob

log = get_logger(__name__)

_INTERVAL_SECONDS = 600.0
# Takes about 10 ms for narrow rows, the maximum time that a request waits for a batch's locks.
_BATCH_SIZE = 1000


class Retention(PeriodicJob):
    """A job: every ten minutes, deletes rows whose timestamptz `column` is older than `max_age`, `batch_size` rows per statement.

    `Service(jobs=[Retention(db, "audit_events", "time", settings.audit_retention_seconds)])`. The age is a setting whose default is
    documented in docs/operations/retention.md.

    `column` needs a B-tree index, which may be partial if `condition` or the age implies its predicate: each batch reads the oldest rows
    from it, so that a run without old rows costs one index lookup. For a large table, create the index in a migration with `-- transaction:
    none`. `condition` is an additional SQL condition, a constant: `"state IN ('RELEASED', 'RETURNED')"`. Old rows that do not satisfy it
    are read every time; if there are many, add it to the predicate of the index. Rows that reference a deleted row need ON DELETE CASCADE
    or their own retention.

    With `update`, SQL assignments, rows are reduced instead of deleted: `"context = '{}'"`. Afterwards they must not satisfy `condition`. A
    table with several jobs needs a `name` for each.

    Replicas may run it concurrently: each skips locked rows. Between batches it pauses as long as the batch took, so it uses at most half a
    connection. `souk_work_pruned_rows_total{table}` counts the rows.
    """

    def __init__(
        self,
        database: Database,
        table: str,
        column: str,
        max_age: timedelta,
        *,
        condition: str = "",
        update: str = "",
        name: str = "",
        batch_size: int = _BATCH_SIZE,
        interval_seconds: float = _INTERVAL_SECONDS,
    ) -> None:
        super().__init__(f"retention.{name or table}", interval_seconds, self.prune)
        self._database = database
        self._max_age = max_age
        self._batch_size = batch_size
        self._statement = _statement(table, column, condition, update, batch_size)
        self._pruned = PRUNED.labels(name or table)

    async def prune(self) -> int:
        """Deletes or reduces all rows that are too old now; returns their number."""
        total = 0
        while True:
            started_at = time.monotonic()
            status = await self._database.execute(self._statement, self._max_age)
            count = int(status.rpartition(" ")[2])
            self._pruned.inc(count)
            total += count
            if count < self._batch_size:
                if total:
                    log.info("retention.pruned", job=self.name, rows=total)
                return total
            await asyncio.sleep(time.monotonic() - started_at)


def _statement(table: str, column: str, condition: str, update: str, batch_size: int) -> str:
    # The limit is inlined, so that the generic plan expects few rows and uses the index.
    extra_condition = f" AND ({condition})" if condition else ""
    action = f"UPDATE {table} SET {update}" if update else f"DELETE FROM {table}"  # noqa: S608 - constants
    return f"""
        {action} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {column} < now() - $1::interval{extra_condition}
            ORDER BY {column} LIMIT {int(batch_size)} FOR UPDATE SKIP LOCKED
        ))
    """  # noqa: S608 - constants
