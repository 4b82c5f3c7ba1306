"""Polls a KafkaConsumer at little cost: without events, a thread and its fetch at the broker sleep for seconds.

Events end a fetch at once. `wake` ends the sleep from another thread, and so does a rebalance, which kafka-python would notice at the next
poll only (ADR 0052).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

# How long a fetch waits at the broker for events.
FETCH_WAIT_MS = 5_000
# While it joins its group, finds its positions or reconnects, it is polled this often.
POLL_MS = 100

Batch = Mapping[Any, list[Any]]


class Poller:
    """Polls one consumer after the other, until `stopping` is set and `wake` called, in this order."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._awake = threading.Event()
        self._consumer: Any = None
        self.fetch_wait_ms = FETCH_WAIT_MS

    def attach(self, consumer: Any) -> None:
        """From now on polls this consumer."""
        self._consumer = consumer
        coordinator, fetcher = consumer._coordinator, consumer._fetcher
        fetcher._create_fetch_requests = self._with_wait(fetcher, fetcher._create_fetch_requests)
        # These run on the network thread, when a heartbeat shows a rebalance, and when the membership has ended.
        coordinator.request_rejoin = self._waking(coordinator.request_rejoin)
        coordinator._disable_heartbeat = self._waking(coordinator._disable_heartbeat)

    def wake(self) -> None:
        """Ends a poll soon; called by any thread."""
        self._awake.set()

    def poll(self, seconds: float | None = None) -> Batch:
        """The next events; none when it was woken, when a fetch ended without events, and after `seconds`."""
        self._awake.clear()
        batch: Batch = self._consumer.poll(timeout_ms=POLL_MS)
        if batch or not self._is_at_rest():
            return batch
        fetcher = self._consumer._fetcher
        searches = [task for task in (fetcher._reset_task, fetcher._validation_task) if task is not None]
        for future in [*fetcher._fetch_futures, *(task for task in searches if not task.is_done)]:
            future.add_both(lambda _: self.wake())
        if not self._stopping.is_set():
            self._awake.wait(seconds)
        return {}

    def fetch_again(self) -> None:
        """Ends the fetches that wait at brokers, so that the next ones contain partitions that were assigned or resumed.

        A broker answers one request of a connection after the other, so its connection is replaced.
        """
        client, fetcher = self._consumer._client, self._consumer._fetcher

        def close() -> None:
            for node in list(fetcher._nodes_with_pending_fetch_requests):
                client._manager.close(node)

        client._net.call_soon_threadsafe(close)

    def _is_at_rest(self) -> bool:
        """Whether all that can be fetched is requested already, so that polling again would change nothing."""
        consumer, fetcher = self._consumer, self._consumer._fetcher
        if consumer.config["group_id"] is not None and consumer._coordinator.need_rejoin():
            return False
        nodes = {fetcher._select_read_replica(partition) for partition in fetcher._fetchable_partitions()}
        return bool(nodes) and nodes <= fetcher._nodes_with_pending_fetch_requests

    def _with_wait(self, fetcher: Any, create: Callable[[], Any]) -> Callable[[], Any]:
        def create_with_wait() -> Any:
            # Where a partition starts is asked on the connection of the fetch, and answered after it.
            knows_all = fetcher._subscriptions.has_all_fetch_positions()
            fetcher.config["fetch_max_wait_ms"] = self.fetch_wait_ms if knows_all else POLL_MS
            return create()

        return create_with_wait

    def _waking(self, call: Callable[[], None]) -> Callable[[], None]:
        def call_and_wake() -> None:
            call()
            self.wake()

        return call_and_wake
