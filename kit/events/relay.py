"""The relay: publishes a database's outbox in id order.

One relay per database is active, the one that holds the lock (`kit.db.exclusive_lock`); the others wait to take over. Events of one
aggregate are in id order, because their transactions lock its row one after the other, so Kafka receives each key's events in order. After
a crash between sending and marking, the events are published again: at least once, with the same event ids.

A frozen or disconnected relay loses the lock without noticing. So it writes to Kafka only for a limited time after it verified the lock,
which ends before another relay can acquire it (ADR 0022).

An event that a replica emits wakes the relay of its process. If that is not the active one, it wakes the active one by NOTIFY, in a
transaction of its own: one that notifies makes other commits wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

from kit.db import Database, DatabaseUnavailable
from kit.db.errors import DRIVER_ERRORS
from kit.db.exclusive_lock import LEASE_SECONDS, ExclusiveLock, exclusive_session
from kit.events.envelope import OutgoingRecord, to_record
from kit.events.metrics import OUTBOX_AGE, PUBLISHED
from kit.events.publisher import MAX_BYTES, UNANSWERED_SECONDS, Publisher
from kit.telemetry import get_logger
from kit.values import Backoff
from kit.work import PeriodicJob, SupervisedTask

log = get_logger(__name__)

BATCH = 500
_LOCK = 0x534F554B  # "SOUK"; locks are per database
_SELECT_BATCH = """
SELECT id, event_id, topic, key, type, time, headers, payload
FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1
"""
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[])"
_AGE = """
SELECT extract(epoch FROM now() - time)::float8 FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 1
"""
_AGE_SECONDS = 5.0
# Records may be written to Kafka for this long after the lock was verified, so that they arrive before another relay can hold it.
_SAFE_SECONDS = LEASE_SECONDS - UNANSWERED_SECONDS - 2.0
_GATHER_SECONDS = 0.1  # Between batches that were not full, so that the next one fills.
_IDLE_SECONDS = 2.0  # Maximum delay of an event that a process without a relay emitted.
_CHANNEL = "souk_relay"
_TAKE_OVER_SECONDS = 1.0
_STOP_SECONDS = 10.0


class Relay:
    """Publishes an outbox while it is open; starts without Kafka or the database.

    Every replica measures the outbox's age, because the leader may be stuck.
    """

    name = "relay"

    def __init__(self, database: Database, bootstrap: str) -> None:
        self._database = database
        self._publisher = Publisher(bootstrap, "souk-relay")
        self._wake = asyncio.Event()
        self._stopping = False
        self._task = SupervisedTask("relay", self._run)
        self._age_gauge = PeriodicJob("outbox.age", _AGE_SECONDS, self._measure)

    async def open(self) -> None:
        """Starts in the background."""
        self._database.on_emitted(self._wake.set)
        self._task.start()
        await self._age_gauge.open()

    async def close(self) -> None:
        """Publishes the remaining events within a few seconds and releases the lock."""
        self._stopping = True
        self._wake.set()
        await self._task.stop(_STOP_SECONDS)
        await self._age_gauge.close()
        await self._publisher.close()
        # Other replicas report the age from now on.
        OUTBOX_AGE.set(0)

    async def ping(self) -> None:
        """Does nothing: a stalled relay shows in the outbox's age."""

    async def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping:
            try:
                await self._session(backoff)
            except DRIVER_ERRORS as error:
                log.warning("relay.database_unavailable", error=type(error).__name__)
                await self._sleep(backoff.next())

    async def _session(self, backoff: Backoff) -> None:
        """Runs on one database session, whose end releases the lock."""
        async with exclusive_session(self._database.url, "souk-relay", _LOCK) as lock:
            while not await lock.acquire():
                if self._stopping:
                    return
                if await self._woken(_TAKE_OVER_SECONDS):
                    self._wake.clear()
                    await lock.connection.execute(f"NOTIFY {_CHANNEL}")
                    await self._sleep(_GATHER_SECONDS)
            log.info("relay.leader_elected")
            await self._run_as_leader(lock, backoff)

    async def _run_as_leader(self, lock: ExclusiveLock, backoff: Backoff) -> None:
        await lock.connection.add_listener(_CHANNEL, lambda *_: self._wake.set())
        while True:
            self._wake.clear()
            verified_at = time.monotonic()
            rows = await lock.connection.fetch(_SELECT_BATCH, BATCH)
            published = await self._publish(lock, rows, verified_at)
            if published < len(rows):
                await self._sleep(backoff.next())
            else:
                backoff.reset()
                if len(rows) < BATCH:
                    if self._stopping:
                        return
                    await self._pause(bool(rows))
            if self._stopping and published < len(rows):
                return

    async def _publish(self, lock: ExclusiveLock, rows: Sequence[Any], verified_at: float) -> int:
        """Sends rows that were read when the lock was verified, and marks the acknowledged ones; returns their number."""
        done = 0
        for part in _partitioned(rows):
            if done:
                verified_at = await lock.verify()
            async with lock.keep_alive():
                records = [record for _, record in part]
                acknowledged = await self._publisher.send(records, until=verified_at + _SAFE_SECONDS)
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
        except DatabaseUnavailable:  # The other replicas measure it.
            return
        OUTBOX_AGE.set(max(0.0, age or 0.0))

    async def _pause(self, busy: bool) -> None:
        if busy:
            await self._sleep(_GATHER_SECONDS)
        else:
            await self._woken(_IDLE_SECONDS)

    async def _sleep(self, seconds: float) -> None:
        if not self._stopping:
            await asyncio.sleep(min(seconds, _TAKE_OVER_SECONDS))

    async def _woken(self, seconds: float) -> bool:
        """Whether an event was emitted, or the stop began, within `seconds`."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _partitioned(rows: Sequence[Any]) -> Iterator[list[tuple[Any, OutgoingRecord]]]:
    """The rows in order, in parts that fit into one record batch per partition."""
    part: list[tuple[Any, OutgoingRecord]] = []
    size = 0
    for row in rows:
        size += len(row["payload"]) + 512
        if part and size > MAX_BYTES:
            yield part
            part, size = [], len(row["payload"]) + 512
        part.append((row, to_record(row)))
    if part:
        yield part
