"""The Kafka client of one consumer group, in its own thread, which polls, pauses, seeks and commits.

The thread passes each polled batch to the event loop and waits for it; when that takes long it keeps polling, so that the group does not
evict it. `Delivery` handles the events. Offsets are committed after their events have been handled: a second later at most, and before the
partitions are given up (ADR 0048).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from kafka import AsyncConsumerRebalanceListener, KafkaConsumer
from kafka.errors import KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from kit.events.assignor import KnownTopicsAssignor, TopicsUnknown
from kit.events.broker import broker_config
from kit.events.delivery import Delivery, Progress
from kit.events.kafka_client import create_client
from kit.events.metrics import LAG
from kit.events.polling import FETCH_WAIT_MS, POLL_MS, Batch, Poller
from kit.events.subscriptions import Group
from kit.telemetry import get_logger
from kit.values import Backoff
from kit.work import SupervisedThread

log = get_logger(__name__)

_MAX_BATCH = 500
_SLOW_BATCH_SECONDS = 1.0  # After this a batch counts as slow and polling continues beside it.
_LAG_SECONDS = 5.0
_MEMBERSHIP_CHECK_SECONDS = 5.0
_COMMIT_SECONDS = 1.0
_COMMIT_MS = 5_000
# Of partitions that are given up: the other members, or the process's stop, wait for it.
_LAST_COMMIT_MS = 2_000


class GroupConsumer(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Feeds a `Delivery` until it is stopped; starts without Kafka."""

    def __init__(self, group: Group, delivery: Delivery, bootstrap: str) -> None:
        self._group = group
        self._delivery = delivery
        self._broker = broker_config(bootstrap)
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._poller = Poller(self._stopping)
        self._thread = SupervisedThread(f"consumer-{group.name}", self._run, self._stopping)
        self._handling: Future[dict[Any, Progress]] | None = None
        self._handled: dict[Any, int] = {}  # Offsets to commit.
        self._next_commit = 0.0
        self._coordinator: Any = None
        self._positions: dict[Any, int] = {}  # Offsets reached, for the lag.
        self._resume_at: dict[Any, float] = {}  # Partitions paused until their next attempt.
        self._next_lag_report = 0.0
        self._next_membership_check = 0.0

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    async def stop(self, seconds: float) -> None:
        """Finishes the current batch, commits and leaves the group; cancels a batch that takes longer."""
        self._stopping.set()
        self._poller.wake()
        ended = await asyncio.to_thread(self._thread.join, seconds)
        if not ended and self._handling is not None:
            self._handling.cancel()
            await asyncio.to_thread(self._thread.join, 3.0)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                self._session(backoff)
            except KafkaError as error:
                log.warning("consumer.kafka_unavailable", group=self._group.name, error=type(error).__name__)
                self._stopping.wait(backoff.next())

    def _session(self, backoff: Backoff) -> None:
        consumer = create_client(
            KafkaConsumer,
            **self._broker,
            client_id=f"souk-{self._group.name}",
            group_id=self._group.name,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            partition_assignment_strategy=(KnownTopicsAssignor,),
            max_poll_records=_MAX_BATCH,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            # A killed member blocks its partitions for this long.
            session_timeout_ms=6_000,
            heartbeat_interval_ms=2_000,
            bootstrap_timeout_ms=10_000,
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
        )
        try:
            # The network thread calls the listener; `consumer.commit` would wait for that same thread.
            self._coordinator = consumer._coordinator
            self._poller.attach(consumer)
            consumer.subscribe(self._group.topics, listener=self)
            # Fetch topic metadata before the first poll. Otherwise kafka-python joins with no partitions, rejoins at once and can lose its
            # heartbeat thread (ADR 0014).
            for topic in self._group.topics:
                if not consumer.partitions_for_topic(topic):
                    raise TopicsUnknown(f"topic {topic} does not exist")
            self._next_membership_check = time.monotonic() + _MEMBERSHIP_CHECK_SECONDS
            while not self._stopping.is_set():
                self._resume(consumer)
                if batch := self._poller.poll(self._seconds_until_due()):
                    self._handle(consumer, batch)
                    backoff.reset()
                if time.monotonic() >= self._next_commit:
                    self._commit(consumer, _COMMIT_MS)
                self._verify_membership(consumer)
                self._report_lag(consumer)
            self._commit(consumer, _LAST_COMMIT_MS)
        finally:
            self._discard_state(consumer.assignment())
            consumer.close(autocommit=False, timeout_ms=3_000)

    def _seconds_until_due(self) -> float:
        due = [self._next_membership_check, *self._resume_at.values()]
        if self._handled:
            due.append(self._next_commit)
        return max(0.0, min(due) - time.monotonic())

    def _handle(self, consumer: Any, batch: Batch) -> None:
        future = asyncio.run_coroutine_threadsafe(self._delivery.handle(batch), self._loop)
        self._handling = future
        try:
            self._await(consumer, future)
            progress_by_partition = future.result()
        finally:
            self._handling = None
        assigned = consumer.assignment()
        for partition, progress in progress_by_partition.items():
            if partition in assigned:
                self._advance(consumer, partition, progress, batch[partition][0].offset)

    def _await(self, consumer: Any, future: Future[dict[Any, Progress]]) -> None:
        """Waits for the batch; when it takes long, keeps polling with all partitions paused."""
        end = time.monotonic() + _SLOW_BATCH_SECONDS
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        if done.wait(end - time.monotonic()):
            return
        consumer.pause(*consumer.assignment())
        while not future.done():
            # Only partitions from a rebalance in the meantime are not paused.
            for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                consumer.seek(partition, records[0].offset)
                consumer.pause(partition)
        consumer.resume(*(consumer.assignment() - self._resume_at.keys()))
        self._poller.fetch_again()

    def _advance(self, consumer: Any, partition: Any, progress: Progress, first: int) -> None:
        self._positions[partition] = progress.offset
        if progress.offset > first:
            if not self._handled:
                self._next_commit = time.monotonic() + _COMMIT_SECONDS
            self._handled[partition] = progress.offset
        if progress.delay is not None:
            consumer.seek(partition, progress.offset)
            consumer.pause(partition)
            self._resume_at[partition] = time.monotonic() + progress.delay

    def _resume(self, consumer: Any) -> None:
        now = time.monotonic()
        due = [partition for partition, resume_time in self._resume_at.items() if resume_time <= now]
        for partition in due:
            del self._resume_at[partition]
        # Also partitions that were revoked and reassigned during their pause: the client still has them paused.
        if resumable := consumer.paused() - self._resume_at.keys():
            consumer.resume(*resumable)
            self._poller.fetch_again()

    def _commit(self, consumer: Any, timeout_ms: int) -> None:
        """Commits handled offsets; after a failure they are committed with the next ones."""
        if not self._handled:
            return
        try:
            consumer.commit(_to_commit(self._handled), timeout_ms=timeout_ms)
        except KafkaError as error:
            self._log_commit_failed(error)
            self._next_commit = time.monotonic() + _COMMIT_SECONDS
            return
        self._handled.clear()
        self._next_membership_check = time.monotonic() + _MEMBERSHIP_CHECK_SECONDS

    def _log_commit_failed(self, error: KafkaError) -> None:
        """A rebalance or an outage; redelivered events have no effect."""
        log.warning("consumer.commit_failed", group=self._group.name, error=type(error).__name__)

    def _verify_membership(self, consumer: Any) -> None:
        """Commits the positions when nothing was committed for a few seconds; raises KafkaError when this member is not in the group.

        If heartbeats stopped unnoticed, this makes the consumer reconnect instead of idling without partitions.
        """
        if time.monotonic() < self._next_membership_check:
            return
        self._next_membership_check = time.monotonic() + _MEMBERSHIP_CHECK_SECONDS
        # All polled events have been handled, except those to be retried, for which the position was reset.
        positions = {
            partition: consumer.position(partition, timeout_ms=0) for partition in consumer.assignment()
        }
        offsets = _to_commit(positions)
        try:
            if offsets:
                consumer.commit(offsets, timeout_ms=_COMMIT_MS)
        except RebalanceInProgressError:
            return  # It is still a member and will rejoin.

    def _report_lag(self, consumer: Any) -> None:
        if time.monotonic() < self._next_lag_report:
            return
        self._next_lag_report = time.monotonic() + _LAG_SECONDS
        behind = dict.fromkeys(self._group.topics, 0)
        for partition, offset in self._positions.items():
            behind[partition.topic] += max(0, (consumer.highwater(partition) or 0) - offset)
        for topic, count in behind.items():
            LAG.labels(self._group.name, topic).set(count)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Called while poll waits: other members continue from the offsets that are committed here."""
        handled = {partition: offset for partition, offset in self._handled.items() if partition in revoked}
        self._discard_state(revoked)
        self._poller.fetch_again()
        if not handled:
            return
        try:
            await self._coordinator._commit_offsets_sync_async(_to_commit(handled), _LAST_COMMIT_MS)
        except KafkaError as error:
            self._log_commit_failed(error)

    async def on_partitions_lost(self, lost: Any) -> None:
        """Called while poll waits, when the partitions were already reassigned."""
        self._discard_state(lost)
        self._poller.fetch_again()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Called while poll waits; consumption starts at the committed offsets."""

    def _discard_state(self, partitions: Any) -> None:
        for partition in list(partitions):
            for state in (self._handled, self._positions, self._resume_at):
                state.pop(partition, None)


def _to_commit(offsets: Mapping[Any, int | None]) -> dict[Any, OffsetAndMetadata]:
    return {
        partition: OffsetAndMetadata(offset, "", -1)
        for partition, offset in offsets.items()
        if offset is not None
    }
