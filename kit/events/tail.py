"""Hears of changes as they happen, on every replica, for those who only want to look again.

Unlike a consumer group it has no place where it was: what was told while nobody listened is not told later.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from kit.events.backoff import Backoff
from kit.telemetry import get_logger

log = get_logger(__name__)

_POLL_MS = 200


class Tail:
    """A job: calls `changed(keys)` on the loop for each chunk of a topic's events from now on, None when some may be missing.

    Kafka does not have to be there.
    """

    def __init__(self, topic: str, bootstrap: str, changed: Callable[[Collection[str] | None], None]) -> None:
        self.name = f"tail {topic}"
        self._topic = topic
        self._bootstrap = bootstrap
        self._changed = changed
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    async def open(self) -> None:
        """Starts listening."""
        self._loop = asyncio.get_running_loop()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stops listening."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 5.0)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                self._listen(backoff)
            except KafkaError as error:
                log.warning("tail.kafka_lost", topic=self._topic, error=type(error).__name__)
            except Exception:  # nobody expected it; listening no more would be worse than a loop
                log.exception("tail.failed", topic=self._topic)
            self._stopping.wait(backoff.next())

    def _listen(self, backoff: Backoff) -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=f"souk-{self.name.replace(' ', '-')}",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=10_000,
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
        )
        try:
            numbers = consumer.partitions_for_topic(self._topic)
            if not numbers:
                raise KafkaError(f"no metadata of {self._topic}")
            partitions = [TopicPartition(self._topic, number) for number in sorted(numbers)]
            consumer.assign(partitions)
            consumer.seek_to_end(*partitions)
            for partition in partitions:  # asks where the end is, now
                consumer.position(partition)
            backoff.reset()
            self._tell(None)
            while not self._stopping.is_set():
                chunk = consumer.poll(timeout_ms=_POLL_MS)
                keys = {
                    record.key.decode(errors="replace")
                    for records in chunk.values()
                    for record in records
                    if record.key
                }
                if keys:
                    self._tell(keys)
        finally:
            consumer.close(autocommit=False, timeout_ms=3_000)

    def _tell(self, keys: Collection[str] | None) -> None:
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._changed, keys)
