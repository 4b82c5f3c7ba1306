"""The relay: publishes what a database's outbox holds, in the order of its ids.

One relay of a database works at a time, the one that holds its lock (`kit.db.exclusive_lock`); the others wait to take over. Two facts of
one aggregate are in id order because their transactions took turns on its row, so Kafka gets each key's facts in order.
A crash between sending and marking publishes again: at least once, with the same event id.

A relay that was frozen or cut off loses the lock without noticing. So it writes to Kafka only while the lock is known to be its own, for
a time that ends before the server can give the lock to another (ADR 0022).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

from kit.db import Database, DatabaseUnavailable
from kit.db.errors import DRIVER_ERRORS
from kit.db.exclusive_lock import LEASE_SECONDS, Exclusive, exclusive
from kit.events.envelope import Outgoing, outgoing
from kit.events.metrics import OUTBOX_AGE, PUBLISHED
from kit.events.publisher import MOST_BYTES, UNANSWERED_SECONDS, Publisher
from kit.telemetry import get_logger
from kit.work import Backoff, PeriodicJob, SupervisedTask

log = get_logger(__name__)

BATCH = 500
_LOCK = 0x534F554B  # "SOUK"; locks are per database
_TAKE = """
SELECT id, event_id, topic, key, type, time, headers, payload
FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1
"""
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[])"
_AGE = """
SELECT extract(epoch FROM now() - time)::float8 FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 1
"""
_AGE_SECONDS = 5.0
# Records may be written to Kafka for this long after the lock was proven, so that they are there before the lock can be another's.
_SAFE_SECONDS = LEASE_SECONDS - UNANSWERED_SECONDS - 2.0
_GATHER_SECONDS = 0.1  # between batches that were not full: gathers the next one
_IDLE_SECONDS = 0.25  # the longest that another process's event waits
_TAKE_OVER_SECONDS = 1.0
_STOP_SECONDS = 10.0


class Relay:
    """Publishes an outbox for as long as it is open; neither Kafka nor the database has to be there.

    It measures the outbox's age whether it leads or not, because the leader may be the one that is stuck.
    """

    name = "relay"

    def __init__(self, database: Database, bootstrap: str) -> None:
        self._database = database
        self._publisher = Publisher(bootstrap, "souk-relay")
        self._wake = asyncio.Event()
        self._stopping = False
        self._task = SupervisedTask("relay", self._run)
        self._measuring = PeriodicJob("outbox.age", _AGE_SECONDS, self._measure)

    async def open(self) -> None:
        """Starts in the background."""
        self._database.on_emitted(self._wake.set)
        self._task.start()
        await self._measuring.open()

    async def close(self) -> None:
        """Publishes what is left, within a few seconds, and lets another relay take over."""
        self._stopping = True
        self._wake.set()
        await self._task.stop(_STOP_SECONDS)
        await self._measuring.close()
        await self._publisher.close()
        # This process has nothing to say about it any more.
        OUTBOX_AGE.set(0)

    async def ping(self) -> None:
        """Nothing to ask: a relay that does not get on shows as the outbox's age."""

    async def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping:
            try:
                await self._session(backoff)
            except DRIVER_ERRORS as error:
                log.warning("relay.database_lost", error=type(error).__name__)
                await self._rest(backoff.next(), wakeable=False)

    async def _session(self, backoff: Backoff) -> None:
        """Works on one session, whose end gives the lock back."""
        async with exclusive(self._database.url, "souk-relay", _LOCK) as lock:
            while not await lock.take():
                if self._stopping:
                    return
                await self._rest(_TAKE_OVER_SECONDS, wakeable=False)
            log.info("relay.leads")
            await self._lead(lock, backoff)

    async def _lead(self, lock: Exclusive, backoff: Backoff) -> None:
        while True:
            proven = time.monotonic()
            rows = await lock.connection.fetch(_TAKE, BATCH)
            published = await self._publish(lock, rows, proven)
            if published < len(rows):
                await self._rest(backoff.next(), wakeable=False)
            else:
                backoff.reset()
                if len(rows) < BATCH:
                    if self._stopping:
                        return
                    await self._pause(bool(rows))
            if self._stopping and published < len(rows):
                return

    async def _publish(self, lock: Exclusive, rows: Sequence[Any], proven: float) -> int:
        """Sends rows that were read when the lock was proven, and marks those acknowledged; answers how many."""
        done = 0
        for part in _parts(rows):
            if done:
                proven = await lock.prove()
            async with lock.kept():
                records = [record for _, record in part]
                acknowledged = await self._publisher.send(records, until=proven + _SAFE_SECONDS)
            sent = [row for (row, _), ok in zip(part, acknowledged, strict=True) if ok]
            if sent:
                await lock.connection.execute(_MARK, [row["id"] for row in sent])
            for row in sent:
                PUBLISHED.labels(row["type"]).inc()
            done += len(sent)
            if len(sent) < len(part):
                break
        return done

    async def _measure(self) -> None:
        try:
            age = await self._database.fetchval(_AGE)
        except DatabaseUnavailable:  # the other replicas measure; nothing can be written here either
            return
        OUTBOX_AGE.set(max(0.0, age or 0.0))

    async def _pause(self, busy: bool) -> None:
        if busy:
            await self._rest(_GATHER_SECONDS, wakeable=False)
            return
        await self._rest(_IDLE_SECONDS, wakeable=True)

    async def _rest(self, seconds: float, *, wakeable: bool) -> None:
        """Sleeps; `wakeable`: until something was emitted here. Stopping cuts short in either case."""
        if self._stopping:
            return
        if not wakeable:
            await asyncio.sleep(min(seconds, _TAKE_OVER_SECONDS))
            return
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return


def _parts(rows: Sequence[Any]) -> Iterator[list[tuple[Any, Outgoing]]]:
    """The rows in order, in parts that are each one record batch a partition."""
    part: list[tuple[Any, Outgoing]] = []
    size = 0
    for row in rows:
        size += len(row["payload"]) + 512
        if part and size > MOST_BYTES:
            yield part
            part, size = [], len(row["payload"]) + 512
        part.append((row, outgoing(row)))
    if part:
        yield part
