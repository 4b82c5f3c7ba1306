"""Consumers without a group: every replica reads all partitions of a topic, and no offsets are committed.

`TopicWatcher` reports that something changed, from now on; missed events are lost. `TopicReplayer` delivers events of one type from
`lookback` ago, at least once: for state that every replica needs and that expires soon.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from kit.events.broker import broker_config
from kit.events.envelope import Event, MalformedEvent, decode, event_type
from kit.events.kafka_client import create_client
from kit.events.polling import FETCH_WAIT_MS, Poller
from kit.telemetry import get_logger
from kit.values import Backoff
from kit.work import SupervisedThread
from kit.work.metrics import TASK_FAILURES

log = get_logger(__name__)

# A thread that still waits for an unavailable broker is abandoned: it holds no resources.
_CLOSE_SECONDS = 2.0


class _TopicReader:
    """A job whose thread reads all partitions of a topic; starts without Kafka."""

    def __init__(self, name: str, topic: str, bootstrap: str) -> None:
        self.name = name
        self.topic = topic
        self._broker = broker_config(bootstrap)
        self._stopping = threading.Event()
        self._poller = Poller(self._stopping)
        self._thread: SupervisedThread | None = None

    async def open(self) -> None:
        """Starts the thread."""
        self._loop = asyncio.get_running_loop()
        self._stopping.clear()
        self._thread = SupervisedThread(self.name, self._run, self._stopping)
        self._thread.start()

    async def close(self) -> None:
        """Stops the thread."""
        self._stopping.set()
        self._poller.wake()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _CLOSE_SECONDS)

    def _seek_start(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Seeks the first offsets to read."""
        raise NotImplementedError

    def _handle(self, consumer: Any, batch: Mapping[Any, Sequence[Any]]) -> None:
        """Handles a polled batch, which may be empty."""
        raise NotImplementedError

    def _on_loop(self, call: Callable[..., object], *args: object) -> None:
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._call, call, *args)

    def _call(self, call: Callable[..., object], *args: object) -> None:
        try:
            call(*args)
        except Exception:  # Later events must still be handled.
            TASK_FAILURES.labels(self.name).inc()
            log.exception("broadcast.handler_failed", topic=self.topic)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                self._session(backoff)
            except KafkaError as error:
                log.warning("broadcast.kafka_unavailable", topic=self.topic, error=type(error).__name__)
            self._stopping.wait(backoff.next())

    def _session(self, backoff: Backoff) -> None:
        consumer = create_client(
            KafkaConsumer,
            **self._broker,
            client_id=f"souk-{self.name.replace(' ', '-')}",
            group_id=None,
            enable_auto_commit=False,
            # A TopicReplayer's position may be pruned by now: then from the oldest record. A TopicWatcher seeks itself.
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=10_000,
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
        )
        try:
            numbers = consumer.partitions_for_topic(self.topic)
            if not numbers:
                raise KafkaError(f"topic {self.topic} does not exist")
            partitions = [TopicPartition(self.topic, number) for number in sorted(numbers)]
            consumer.assign(partitions)
            self._seek_start(consumer, partitions)
            backoff.reset()
            self._poller.attach(consumer)
            self._handle(consumer, {})
            while not self._stopping.is_set():
                self._handle(consumer, self._poller.poll())
        finally:
            consumer.close(autocommit=False, timeout_ms=3_000)


class TopicWatcher(_TopicReader):
    """A job: calls `on_change(keys)` on the event loop for each batch of a topic from now on; None when events may have been missed.

    Events that arrive while it is not connected are lost.
    """

    def __init__(
        self, topic: str, bootstrap: str, on_change: Callable[[Collection[str] | None], None]
    ) -> None:
        super().__init__(f"watcher {topic}", topic, bootstrap)
        self._on_change = on_change

    def _seek_start(self, consumer: Any, partitions: Sequence[Any]) -> None:
        consumer.seek_to_end(*partitions)
        for partition in partitions:  # Resolves the end offset now.
            consumer.position(partition)
        self._on_loop(self._on_change, None)

    def _handle(self, consumer: Any, batch: Mapping[Any, Sequence[Any]]) -> None:
        keys = {
            record.key.decode(errors="replace")
            for records in batch.values()
            for record in records
            if record.key
        }
        if keys:
            self._on_loop(self._on_change, keys)


class TopicReplayer(_TopicReader):
    """A job: calls `on_event(event)` on the event loop for each event of one type, starting `lookback` ago.

    At least once. After a connection loss it continues at its last position, so no event is lost.
    """

    def __init__(
        self,
        topic: str,
        bootstrap: str,
        message: type[Message],
        on_event: Callable[[Event[Any]], None],
        *,
        lookback: timedelta,
    ) -> None:
        super().__init__(f"replayer {topic}", topic, bootstrap)
        self._message = message
        self._on_event = on_event
        self._lookback = lookback
        self._next: dict[Any, int] = {}
        self._end_offsets: dict[Any, int] = {}
        self._caught_up = asyncio.Event()

    async def caught_up(self, seconds: float) -> bool:
        """Waits until all events from before its start have been delivered; false after `seconds`."""
        try:
            await asyncio.wait_for(self._caught_up.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _seek_start(self, consumer: Any, partitions: Sequence[Any]) -> None:
        since = int((time.time() - self._lookback.total_seconds()) * 1000)
        offsets = consumer.offsets_for_times(dict.fromkeys(partitions, since))
        ends = consumer.end_offsets(partitions)
        for partition in partitions:
            first = offsets[partition].offset if offsets.get(partition) else ends[partition]
            consumer.seek(partition, self._next.get(partition, first))
        self._end_offsets = dict(ends)

    def _handle(self, consumer: Any, batch: Mapping[Any, Sequence[Any]]) -> None:
        for partition, records in batch.items():
            for record in records:
                if event_type(record.headers) == self._message.DESCRIPTOR.full_name:
                    self._notify(record)
            self._next[partition] = records[-1].offset + 1
        if self._end_offsets:
            self._end_offsets = {
                partition: end
                for partition, end in self._end_offsets.items()
                if consumer.position(partition) < end
            }
            if not self._end_offsets:
                self._on_loop(self._caught_up.set)

    def _notify(self, record: Any) -> None:
        try:
            self._on_loop(self._on_event, decode(record, self._message))
        except MalformedEvent as error:  # No consumer could decode it, so it is skipped.
            log.warning("broadcast.malformed_event", topic=self.topic, error=str(error))
