"""Handles a polled batch: the handlers, the inbox, retries and dead letters. Kafka itself is not here.

A batch is handled in one transaction. If that fails, each partition is handled separately, then each of its events, in order. An event with
a transient error blocks its partition and is retried later; any other failing event becomes a dead letter after some attempts, and the
events after it continue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.db import Database, DatabaseBusy, DatabaseUnavailable
from kit.errors import SoukError, is_transient
from kit.events.envelope import Event, MalformedEvent, decode, event_type
from kit.events.handlers import Handlers, Received
from kit.events.metrics import BATCH_SECONDS, CONSUMED, DEAD_LETTERED, RETRIES
from kit.events.subscriptions import Group, event_types
from kit.telemetry import get_logger
from kit.values.backoff import backoff_seconds

log = get_logger(__name__)

# Attempts for an event whose error is not transient.
MAX_ATTEMPTS = 5

PublishDeadLetter = Callable[[Any, Exception, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a partition: the next offset, and the seconds to wait before it (None: no wait)."""

    offset: int
    delay: float | None = None


class Delivery:
    """Passes the records of one consumer group to its subscriptions.

    `publish_dead_letter(record, error, tries)` raises when it fails.
    """

    def __init__(
        self, group: Group, database: Database | None, publish_dead_letter: PublishDeadLetter
    ) -> None:
        self._group = group
        self._handlers = Handlers(group, database)
        self._publish_dead_letter = publish_dead_letter
        self._types = {topic: event_types(subscription) for topic, subscription in group.by_topic.items()}
        self._failed: dict[Any, tuple[int, int]] = {}  # By partition: an offset and its failures in a row.
        self._seconds = BATCH_SECONDS.labels(group.name)

    async def handle(self, batch: Mapping[Any, Sequence[Any]]) -> dict[Any, Progress]:
        """Handles records by partition, in order within each; returns the progress of each partition. Never raises."""
        with self._seconds.time():
            error = await self._try([record for records in batch.values() for record in records])
            if error is None:
                return {partition: self._done(partition, records) for partition, records in batch.items()}
            if isinstance(error, DatabaseUnavailable | DatabaseBusy):  # It concerns all partitions.
                return {
                    partition: self._retry_later(partition, records[0], error)
                    for partition, records in batch.items()
                }
            return {
                partition: await self._handle_partition(partition, records, tried=len(batch) == 1)
                for partition, records in batch.items()
            }

    async def _handle_partition(self, partition: Any, records: Sequence[Any], *, tried: bool) -> Progress:
        """Handles one partition; `tried`: all of its records together have just failed."""
        if not tried and await self._try(records) is None:
            return self._done(partition, records)
        for record in records:
            error = await self._try([record])
            if error is not None and not await self._dead_letter(partition, record, error):
                return self._retry_later(partition, record, error)
        return self._done(partition, records)

    async def _dead_letter(self, partition: Any, record: Any, error: Exception) -> bool:
        """Moves an event that failed too often to the dead letters; false when it has to be retried."""
        if is_transient(error):
            return False
        tries = self._failures(partition, record) + 1
        if tries < MAX_ATTEMPTS and not isinstance(error, MalformedEvent):
            return False
        try:
            await self._publish_dead_letter(record, error, tries)
        except SoukError as unavailable:
            log.warning("events.dead_letter_failed", group=self._group.name, reason=unavailable.reason)
            return False
        DEAD_LETTERED.labels(self._group.name, record.topic).inc()
        log.error("events.dead_lettered", **self._log_fields(record, error), tries=tries)
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
        CONSUMED.labels(self._group.name, name, "ignored").inc()
        return None

    def _done(self, partition: Any, records: Sequence[Any]) -> Progress:
        self._failed.pop(partition, None)
        return Progress(records[-1].offset + 1)

    def _retry_later(self, partition: Any, record: Any, error: Exception) -> Progress:
        failures = self._failures(partition, record) + 1
        self._failed[partition] = (record.offset, failures)
        RETRIES.labels(self._group.name, _reason(error)).inc()
        delay = backoff_seconds(failures)
        # Logs the 1st, 2nd, 4th, 8th ... failure, so that an outage does not flood the log.
        if failures & (failures - 1) == 0:
            log.warning(
                "events.retry", **self._log_fields(record, error), failures=failures, seconds=round(delay, 2)
            )
        return Progress(record.offset, delay)

    def _failures(self, partition: Any, record: Any) -> int:
        offset, failures = self._failed.get(partition, (record.offset, 0))
        return failures if offset == record.offset else 0

    def _log_fields(self, record: Any, error: Exception) -> dict[str, Any]:
        position = f"{record.topic}/{record.partition}@{record.offset}"
        return {
            "group": self._group.name,
            "record": position,
            "type": event_type(record.headers),
            "error": repr(error),
        }


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, SoukError) else type(error).__name__
