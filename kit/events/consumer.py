"""One consumer group's Kafka client, in a thread of its own that polls, pauses, seeks and commits.

The thread hands each polled chunk to the event loop and waits for it, polling on when that takes long, so that the group
does not take it for dead. What happens to events is `Delivery`'s. Offsets are committed once their events are done.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from kit.events.assignor import KnownTopicsAssignor, TopicsUnknown
from kit.events.broker import broker_config
from kit.events.clients import client
from kit.events.delivery import Delivery, Progress
from kit.events.metrics import LAG
from kit.events.subscriptions import Group
from kit.telemetry import get_logger
from kit.work import Backoff, SupervisedThread

log = get_logger(__name__)

_CHUNK = 500
_POLL_MS = 100
_PATIENCE_SECONDS = 1.0  # after which a chunk counts as slow and polling goes on beside it
_LAG_SECONDS = 5.0
_PROOF_SECONDS = 5.0
_COMMIT_MS = 5_000

Chunk = Mapping[Any, list[Any]]


class GroupConsumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """Feeds a `Delivery` until it is stopped; Kafka does not have to be there."""

    def __init__(self, group: Group, delivery: Delivery, bootstrap: str) -> None:
        self._group = group
        self._delivery = delivery
        self._broker = broker_config(bootstrap)
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = SupervisedThread(f"consumer-{group.name}", self._run, self._stopping)
        self._handling: Future[dict[Any, Progress]] | None = None
        self._done: dict[Any, int] = {}  # offsets that are to be committed
        self._ahead: dict[Any, int] = {}  # offsets reached, for the lag
        self._resume_at: dict[Any, float] = {}  # partitions that wait before they try again
        self._lag_at = 0.0
        self._proof_at = 0.0

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    async def stop(self, seconds: float) -> None:
        """Finishes the chunk under way, commits and leaves the group; a chunk that takes longer is broken off."""
        self._stopping.set()
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
                log.warning("consumer.kafka_lost", group=self._group.name, error=type(error).__name__)
                self._stopping.wait(backoff.next())

    def _session(self, backoff: Backoff) -> None:
        consumer = client(
            KafkaConsumer,
            **self._broker,
            client_id=f"souk-{self._group.name}",
            group_id=self._group.name,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            partition_assignment_strategy=(KnownTopicsAssignor,),
            max_poll_records=_CHUNK,
            # a killed member holds its partitions up for this long
            session_timeout_ms=6_000,
            heartbeat_interval_ms=2_000,
            bootstrap_timeout_ms=10_000,
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
        )
        try:
            consumer.subscribe(self._group.topics, listener=self)
            # Asked before the first poll, which joins: a group that joins without metadata is assigned nothing, or joins twice in a row,
            # after which the client may forget its heartbeats.
            for topic in self._group.topics:
                if not consumer.partitions_for_topic(topic):
                    raise TopicsUnknown(f"no metadata of {topic}")
            self._proof_at = time.monotonic() + _PROOF_SECONDS
            while not self._stopping.is_set():
                self._resume(consumer)
                if chunk := consumer.poll(timeout_ms=_POLL_MS):
                    self._handle(consumer, chunk)
                    backoff.reset()
                self._commit(consumer)
                self._prove_membership(consumer)
                self._tell_lag(consumer)
        finally:
            self._forget(consumer.assignment())
            consumer.close(autocommit=False, timeout_ms=3_000)

    def _handle(self, consumer: Any, chunk: Chunk) -> None:
        future = asyncio.run_coroutine_threadsafe(self._delivery.handle(chunk), self._loop)
        self._handling = future
        try:
            self._await(consumer, future)
            reached = future.result()
        finally:
            self._handling = None
        assigned = consumer.assignment()
        for partition, progress in reached.items():
            if partition in assigned:
                self._advance(consumer, partition, progress, chunk[partition][0].offset)

    def _await(self, consumer: Any, future: Future[dict[Any, Progress]]) -> None:
        """Waits for the chunk; polls all the while, with every partition paused, when it takes long."""
        end = time.monotonic() + _PATIENCE_SECONDS
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        if done.wait(end - time.monotonic()):
            return
        consumer.pause(*consumer.assignment())
        while not future.done():
            # only partitions that a rebalance has just brought are not paused
            for partition, records in consumer.poll(timeout_ms=_POLL_MS).items():
                consumer.seek(partition, records[0].offset)
                consumer.pause(partition)
        consumer.resume(*(consumer.assignment() - self._resume_at.keys()))

    def _advance(self, consumer: Any, partition: Any, progress: Progress, first: int) -> None:
        self._ahead[partition] = progress.offset
        if progress.offset > first:
            self._done[partition] = progress.offset
        if progress.delay is not None:
            consumer.seek(partition, progress.offset)
            consumer.pause(partition)
            self._resume_at[partition] = time.monotonic() + progress.delay

    def _resume(self, consumer: Any) -> None:
        now = time.monotonic()
        for partition in [partition for partition, at in self._resume_at.items() if at <= now]:
            del self._resume_at[partition]
        # Also those that a rebalance took and gave back while they waited: the client keeps them paused, we have forgotten why.
        if rested := consumer.paused() - self._resume_at.keys():
            consumer.resume(*rested)

    def _commit(self, consumer: Any) -> None:
        """Commits what is done; when that fails it is kept, and goes with the next."""
        if not self._done:
            return
        offsets = {partition: OffsetAndMetadata(offset, "", -1) for partition, offset in self._done.items()}
        try:
            consumer.commit(offsets, timeout_ms=_COMMIT_MS)
        except KafkaError as error:  # a rebalance or an outage; events handled again have no effect
            log.warning("consumer.commit_failed", group=self._group.name, error=type(error).__name__)
            return
        self._done.clear()

    def _prove_membership(self, consumer: Any) -> None:
        """Commits where it is, now and then, also when nothing came; raises KafkaError when the group does not know it any more.

        A client whose heartbeats have stopped unnoticed would otherwise wait for ever, for what others are given or nobody.
        """
        if time.monotonic() < self._proof_at:
            return
        self._proof_at = time.monotonic() + _PROOF_SECONDS
        # What was polled is done by now, but for what is to be tried again, where the position was put back to.
        positions = {
            partition: consumer.position(partition, timeout_ms=0) for partition in consumer.assignment()
        }
        offsets = {
            partition: OffsetAndMetadata(offset, "", -1)
            for partition, offset in positions.items()
            if offset is not None
        }
        try:
            if offsets:
                consumer.commit(offsets, timeout_ms=_COMMIT_MS)
        except RebalanceInProgressError:
            return  # it is known, and will be asked again

    def _tell_lag(self, consumer: Any) -> None:
        if time.monotonic() < self._lag_at:
            return
        self._lag_at = time.monotonic() + _LAG_SECONDS
        behind = dict.fromkeys(self._group.topics, 0)
        for partition, offset in self._ahead.items():
            behind[partition.topic] += max(0, (consumer.highwater(partition) or 0) - offset)
        for topic, count in behind.items():
            LAG.labels(self._group.name, topic).set(count)

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Called by poll: others go on with these, from what was committed."""
        self._forget(revoked)

    def on_partitions_lost(self, lost: Any) -> None:
        """The same, told too late."""
        self._forget(lost)

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Called by poll; they begin where their group had committed."""

    def _forget(self, partitions: Any) -> None:
        for partition in list(partitions):
            for kept in (self._done, self._ahead, self._resume_at):
                kept.pop(partition, None)
