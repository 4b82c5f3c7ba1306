"""Deletes rows, or parts of them, that are older than a table keeps them: a job of its own, in small batches."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from kit.db import Database
from kit.telemetry import get_logger
from kit.work.metrics import PRUNED
from kit.work.periodic_job import PeriodicJob

log = get_logger(__name__)

_EVERY_SECONDS = 600.0
# Takes some 10 ms for narrow rows; a request never waits longer for what a batch locks.
_BATCH = 1000


class Retention(PeriodicJob):
    """A job: every ten minutes, deletes what is older than `keep` by the timestamptz `column`, `batch_size` rows a statement.

    `Service(jobs=[Retention(db, "audit_events", "time", settings.audit_retention_seconds)])`. The age comes from a
    setting whose default is documented in docs/operations/retention.md.

    `column` needs a B-tree index (partial is enough when `condition` or the age implies its predicate): each batch reads
    the oldest rows from it, so that a table with nothing to delete costs one look at the index. Make the index in a file
    with `-- transaction: none` when the table may be large. `condition` is SQL that rows must satisfy besides, a constant
    of ours: `"state IN ('RELEASED', 'RETURNED')"`; rows that are old but do not satisfy it are read each time, so it
    belongs into the index's predicate when there are many. Rows that refer to a deleted one need ON DELETE CASCADE or a
    retention of their own.

    With `update`, SQL assignments, rows are not deleted but reduced: `"context = '{}'"`. They must not satisfy `condition`
    any more after that. A table with several jobs gives each a `name`.

    Replicas may run it at once: each takes rows that no other has locked. Between batches it pauses for as long as the
    batch took, so it uses half a connection at most. `souk_work_pruned_rows_total{table}` counts.
    """

    def __init__(
        self,
        database: Database,
        table: str,
        column: str,
        keep: timedelta,
        *,
        condition: str = "",
        update: str = "",
        name: str = "",
        batch_size: int = _BATCH,
        every_seconds: float = _EVERY_SECONDS,
    ) -> None:
        super().__init__(f"retention.{name or table}", every_seconds, self.prune)
        self._database = database
        self._keep = keep
        self._batch_size = batch_size
        self._statement = _statement(table, column, condition, update, batch_size)
        self._pruned = PRUNED.labels(name or table)

    async def prune(self) -> int:
        """Deletes or reduces everything that is too old now, and returns the number of rows."""
        total = 0
        while True:
            began = time.monotonic()
            status = await self._database.execute(self._statement, self._keep)
            count = int(status.rpartition(" ")[2])
            self._pruned.inc(count)
            total += count
            if count < self._batch_size:
                if total:
                    log.info("retention.pruned", job=self.name, rows=total)
                return total
            await asyncio.sleep(time.monotonic() - began)


def _statement(table: str, column: str, condition: str, update: str, batch_size: int) -> str:
    # The limit is part of the text, so that the generic plan knows how few rows it is about and reads the index.
    also = f" AND ({condition})" if condition else ""
    action = f"UPDATE {table} SET {update}" if update else f"DELETE FROM {table}"  # noqa: S608 - constants of ours
    return f"""
        {action} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {column} < now() - $1::interval{also}
            ORDER BY {column} LIMIT {int(batch_size)} FOR UPDATE SKIP LOCKED
        ))
    """  # noqa: S608 - constants of ours
