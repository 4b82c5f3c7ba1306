"""What happens to a polled chunk: the handlers, the inbox, retries and dead letters. Kafka itself is not here.

A chunk is handled in one transaction. When that fails, each partition is tried alone, then each of its events alone, in
order: what passes by itself is tried again later and holds its partition up, what does not goes to the dead letters
after some tries, and the events behind it go on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.db import Database, DatabaseBusy, DatabaseUnavailable
from kit.errors import SoukError, is_transient
from kit.events.envelope import Event, MalformedEvent, decode, event_type
from kit.events.handlers import Handlers, Received
from kit.events.metrics import CHUNK_SECONDS, CONSUMED, DEAD_LETTERED, RETRIES
from kit.events.subscriptions import Group, event_types
from kit.telemetry import get_logger
from kit.work.backoff import pause

log = get_logger(__name__)

# How often an event that fails for a reason of its own is tried.
TRIES = 5

Bury = Callable[[Any, Exception, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a partition got: the offset to go on from, and after how many seconds (None: at once)."""

    offset: int
    delay: float | None = None


class Delivery:
    """Hands the records of one consumer group to its subscriptions.

    `bury(record, error, tries)` writes a dead letter and raises when it could not.
    """

    def __init__(self, group: Group, database: Database | None, bury: Bury) -> None:
        self._group = group
        self._handlers = Handlers(group, database)
        self._bury = bury
        self._types = {topic: event_types(subscription) for topic, subscription in group.by_topic.items()}
        self._failed: dict[Any, tuple[int, int]] = {}  # partition -> offset, failures in a row there
        self._seconds = CHUNK_SECONDS.labels(group.name)

    async def handle(self, chunk: Mapping[Any, Sequence[Any]]) -> dict[Any, Progress]:
        """Handles records by partition, each partition's in order; answers how far each got. Never raises."""
        with self._seconds.time():
            error = await self._try([record for records in chunk.values() for record in records])
            if error is None:
                return {partition: self._done(partition, records) for partition, records in chunk.items()}
            if isinstance(error, DatabaseUnavailable | DatabaseBusy):  # for every one of them
                return {
                    partition: self._later(partition, records[0], error)
                    for partition, records in chunk.items()
                }
            return {
                partition: await self._alone(partition, records, tried=len(chunk) == 1)
                for partition, records in chunk.items()
            }

    async def _alone(self, partition: Any, records: Sequence[Any], *, tried: bool) -> Progress:
        """One partition by itself; `tried`: all of its records at once have just failed."""
        if not tried and await self._try(records) is None:
            return self._done(partition, records)
        for record in records:
            error = await self._try([record])
            if error is not None and not await self._give_up(partition, record, error):
                return self._later(partition, record, error)
        return self._done(partition, records)

    async def _give_up(self, partition: Any, record: Any, error: Exception) -> bool:
        """Whether the event was put with the dead letters, so that those behind it may go on."""
        if is_transient(error):
            return False
        tries = self._failures(partition, record) + 1
        if tries < TRIES and not isinstance(error, MalformedEvent):
            return False
        try:
            await self._bury(record, error, tries)
        except SoukError as unavailable:
            log.warning("events.dead_letter_failed", group=self._group.name, reason=unavailable.reason)
            return False
        DEAD_LETTERED.labels(self._group.name, record.topic).inc()
        log.error("events.dead_lettered", **self._names(record, error), tries=tries)
        self._failed.pop(partition, None)
        return True

    async def _try(self, records: Sequence[Any]) -> Exception | None:
        try:
            await self._handlers.handle(self._received(records))
        except Exception as error:
            log.debug("events.failed", group=self._group.name, count=len(records), error=repr(error))
            return error
        return None

    def _received(self, records: Sequence[Any]) -> list[Received]:
        return [
            Received(record.topic, event)
            for record in records
            if (event := self._decoded(record)) is not None
        ]

    def _decoded(self, record: Any) -> Event[Any] | None:
        name = event_type(record.headers)
        message = self._types[record.topic].get(name)
        if message is not None:
            return decode(record, message)
        if not name:
            raise MalformedEvent("no ce_type header")
        CONSUMED.labels(self._group.name, name, "passed over").inc()
        return None

    def _done(self, partition: Any, records: Sequence[Any]) -> Progress:
        self._failed.pop(partition, None)
        return Progress(records[-1].offset + 1)

    def _later(self, partition: Any, record: Any, error: Exception) -> Progress:
        failures = self._failures(partition, record) + 1
        self._failed[partition] = (record.offset, failures)
        RETRIES.labels(self._group.name, _reason(error)).inc()
        delay = pause(failures)
        if (
            failures & (failures - 1) == 0
        ):  # the 1st, 2nd, 4th, 8th ...: an outage is not told a thousand times
            log.warning(
                "events.retry", **self._names(record, error), failures=failures, seconds=round(delay, 2)
            )
        return Progress(record.offset, delay)

    def _failures(self, partition: Any, record: Any) -> int:
        offset, failures = self._failed.get(partition, (record.offset, 0))
        return failures if offset == record.offset else 0

    def _names(self, record: Any, error: Exception) -> dict[str, Any]:
        where = f"{record.topic}/{record.partition}@{record.offset}"
        return {
            "group": self._group.name,
            "record": where,
            "type": event_type(record.headers),
            "error": repr(error),
        }


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, SoukError) else type(error).__name__
