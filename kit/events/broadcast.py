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
from kit.events.clients import client
from kit.events.envelope import Event, MalformedEvent, decode, event_type
from kit.telemetry import get_logger
from kit.work import Backoff, SupervisedThread
from kit.work.metrics import TASK_FAILURES

log = get_logger(__name__)

_POLL_MS = 200
# A thread that waits for a broker that is away is not waited for: it holds nothing.
_CLOSE_SECONDS = 2.0


class _Listening:
    """A job with a thread that consumes a whole topic; Kafka does not have to be there."""

    def __init__(self, name: str, topic: str, bootstrap: str) -> None:
        self.name = name
        self.topic = topic
        self._broker = broker_config(bootstrap)
        self._stopping = threading.Event()
        self._thread: SupervisedThread | None = None

    async def open(self) -> None:
        """Starts listening."""
        self._loop = asyncio.get_running_loop()
        self._stopping.clear()
        self._thread = SupervisedThread(self.name, self._run, self._stopping)
        self._thread.start()

    async def close(self) -> None:
        """Stops listening."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _CLOSE_SECONDS)

    def _begin(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Goes to where it wants to listen from."""
        raise NotImplementedError

    def _take(self, consumer: Any, chunk: Mapping[Any, Sequence[Any]]) -> None:
        """Does something with what was polled, which may be nothing."""
        raise NotImplementedError

    def _on_loop(self, call: Callable[..., object], *args: object) -> None:
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._called, call, *args)

    def _called(self, call: Callable[..., object], *args: object) -> None:
        try:
            call(*args)
        except Exception:  # the events after this one are handled all the same
            TASK_FAILURES.labels(self.name).inc()
            log.exception("tail.failed", topic=self.topic)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                self._listen(backoff)
            except KafkaError as error:
                log.warning("tail.kafka_lost", topic=self.topic, error=type(error).__name__)
            self._stopping.wait(backoff.next())

    def _listen(self, backoff: Backoff) -> None:
        consumer = client(
            KafkaConsumer,
            **self._broker,
            client_id=f"souk-{self.name.replace(' ', '-')}",
            group_id=None,
            enable_auto_commit=False,
            # A TopicReplayer's position may be pruned by now: then from the oldest record. A TopicWatcher seeks itself.
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=10_000,
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
        )
        try:
            numbers = consumer.partitions_for_topic(self.topic)
            if not numbers:
                raise KafkaError(f"no metadata of {self.topic}")
            partitions = [TopicPartition(self.topic, number) for number in sorted(numbers)]
            consumer.assign(partitions)
            self._begin(consumer, partitions)
            backoff.reset()
            while not self._stopping.is_set():
                self._take(consumer, consumer.poll(timeout_ms=_POLL_MS))
        finally:
            consumer.close(autocommit=False, timeout_ms=3_000)


class TopicWatcher(_Listening):
    """A job: calls `changed(keys)` on the loop for each chunk of a topic's events from now on, None when some may be missing.

    It has no place where it was: what was told while nobody listened is not told later.
    """

    def __init__(self, topic: str, bootstrap: str, changed: Callable[[Collection[str] | None], None]) -> None:
        super().__init__(f"tail {topic}", topic, bootstrap)
        self._changed = changed

    def _begin(self, consumer: Any, partitions: Sequence[Any]) -> None:
        consumer.seek_to_end(*partitions)
        for partition in partitions:  # asks where the end is, now
            consumer.position(partition)
        self._on_loop(self._changed, None)

    def _take(self, consumer: Any, chunk: Mapping[Any, Sequence[Any]]) -> None:
        keys = {
            record.key.decode(errors="replace")
            for records in chunk.values()
            for record in records
            if record.key
        }
        if keys:
            self._on_loop(self._changed, keys)


class TopicReplayer(_Listening):
    """A job: calls `heard(event)` on the loop for each event of one type, from `back` ago on, and on from where it was after a gap.

    An event may be heard again. While Kafka is away nothing is heard, and all of it once Kafka is back.
    """

    def __init__(
        self,
        topic: str,
        bootstrap: str,
        message: type[Message],
        heard: Callable[[Event[Any]], None],
        *,
        back: timedelta,
    ) -> None:
        super().__init__(f"follow {topic}", topic, bootstrap)
        self._message = message
        self._heard = heard
        self._back = back
        self._next: dict[Any, int] = {}
        self._behind: dict[Any, int] = {}
        self._caught_up = asyncio.Event()

    async def caught_up(self, seconds: float) -> bool:
        """Waits until all that was told before it began was heard, and not longer than `seconds`."""
        try:
            await asyncio.wait_for(self._caught_up.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _begin(self, consumer: Any, partitions: Sequence[Any]) -> None:
        since = int((time.time() - self._back.total_seconds()) * 1000)
        found = consumer.offsets_for_times(dict.fromkeys(partitions, since))
        ends = consumer.end_offsets(partitions)
        for partition in partitions:
            first = found[partition].offset if found.get(partition) else ends[partition]
            consumer.seek(partition, self._next.get(partition, first))
        self._behind = dict(ends)

    def _take(self, consumer: Any, chunk: Mapping[Any, Sequence[Any]]) -> None:
        for partition, records in chunk.items():
            for record in records:
                if event_type(record.headers) == self._message.DESCRIPTOR.full_name:
                    self._tell(record)
            self._next[partition] = records[-1].offset + 1
        if self._behind:
            self._behind = {each: end for each, end in self._behind.items() if consumer.position(each) < end}
            if not self._behind:
                self._on_loop(self._caught_up.set)

    def _tell(self, record: Any) -> None:
        try:
            self._on_loop(self._heard, decode(record, self._message))
        except MalformedEvent as error:  # nobody else will make sense of it
            log.warning("tail.malformed", topic=self.topic, error=str(error))
