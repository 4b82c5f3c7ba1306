"""The relay: publishes what a database's outbox holds, in the order of its ids.

One relay of a database works at a time, the one that holds its advisory lock; the others wait to take over. Two facts of
one aggregate are in id order because their transactions took turns on its row, so Kafka gets each key's facts in order.
A crash between sending and marking publishes again: at least once, with the same event id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from kit.db import Database
from kit.db.faults import DRIVER_ERRORS
from kit.events.backoff import Backoff
from kit.events.envelope import Outgoing, outgoing
from kit.events.metrics import OUTBOX_AGE, PUBLISHED
from kit.events.publisher import MOST_BYTES, Publisher
from kit.telemetry import get_logger

log = get_logger(__name__)

BATCH = 500
_LOCK = 0x534F554B  # "SOUK"; locks are per database
_TAKE = """
SELECT id, event_id, topic, key, type, time, headers, payload
FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1
"""
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[])"
_GATHER_SECONDS = 0.1  # between batches that were not full: gathers the next one
_IDLE_SECONDS = 0.25  # the longest that another process's event waits
_TAKE_OVER_SECONDS = 1.0
_STOP_SECONDS = 10.0


class Relay:
    """Publishes an outbox for as long as it is open; neither Kafka nor the database has to be there."""

    name = "relay"

    def __init__(self, database: Database, bootstrap: str) -> None:
        self._database = database
        self._publisher = Publisher(bootstrap, "souk-relay")
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Starts in the background."""
        self._database.on_emitted(self._wake.set)
        self._task = asyncio.create_task(self._run(), name="relay")

    async def close(self) -> None:
        """Publishes what is left, within a few seconds, and lets another relay take over."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_STOP_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._publisher.close()

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
        """Works on one connection, whose end gives the lock back."""
        options = {"application_name": "souk-relay", "jit": "off"}
        connection = await asyncpg.connect(
            self._database.url, timeout=5, command_timeout=30, server_settings=options
        )
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                if self._stopping:
                    return
                await self._rest(_TAKE_OVER_SECONDS, wakeable=False)
            log.info("relay.leads")
            await self._lead(connection, backoff)
        finally:
            connection.terminate()
            # What is left is another's to tell, and the age its to say.
            OUTBOX_AGE.set(0)

    async def _lead(self, connection: Any, backoff: Backoff) -> None:
        while True:
            rows = await connection.fetch(_TAKE, BATCH)
            published = await self._publish(connection, rows)
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

    async def _publish(self, connection: Any, rows: Sequence[Any]) -> int:
        """Sends rows and marks those acknowledged; answers how many."""
        OUTBOX_AGE.set((datetime.now(UTC) - rows[0]["time"]).total_seconds() if rows else 0)
        done = 0
        for part in _parts(rows):
            acknowledged = await self._publisher.send([record for _, record in part])
            sent = [row for (row, _), ok in zip(part, acknowledged, strict=True) if ok]
            if sent:
                await connection.execute(_MARK, [row["id"] for row in sent])
            for row in sent:
                PUBLISHED.labels(row["type"]).inc()
            done += len(sent)
            if len(sent) < len(part):
                break
        return done

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
