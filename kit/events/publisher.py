"""One Kafka producer in one thread, which nothing else touches.

Order is the caller's: what is handed over in one `send` is acknowledged before the next, and a producer that failed is
replaced, so that nothing of a failed batch comes after a later one.
"""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from kit.events.broker import broker_config
from kit.events.clients import client
from kit.events.envelope import Outgoing
from kit.telemetry import get_logger

log = get_logger(__name__)

# What was written to a socket reaches the broker within this time, or the connection is dropped with what it still holds.
UNANSWERED_SECONDS = 10.0
_DELIVERY_SECONDS = 20.0
_REQUEST_SECONDS = 10.0
_LINGER_SECONDS = 2.0
_CONNECT_SECONDS = 5.0
_DISCARD_SECONDS = 1.0
# All calls of the thread are bounded, so it ends by itself when it is not waited for any longer.
_CLOSE_SECONDS = 8.0
_SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNANSWERED_SECONDS * 1000)),
]
# All of one send for a partition fits into one record batch, which is what keeps it in order.
MOST_BYTES = 800_000


class Publisher:
    """Sends records and awaits their acknowledgement by all in-sync replicas; connects at the first send."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._broker = broker_config(bootstrap)
        self._client_id = client_id
        self._producer: Any = None
        self._until = math.inf
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=client_id)

    async def send(self, records: Sequence[Outgoing], *, until: float = math.inf) -> list[bool]:
        """Whether each record was acknowledged; never raises for Kafka's sake, waits up to 20 s for it.

        After `until` (time.monotonic()) nothing more is written to Kafka, not even when this process was frozen before it.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._send, records, until)

    async def close(self) -> None:
        """Ends within a few seconds, also when the broker is silent; what is not acknowledged by then counts as not sent."""
        self._stopping.set()
        discarded = asyncio.get_running_loop().run_in_executor(self._thread, self._discard)
        self._thread.shutdown(wait=False)
        await asyncio.wait([discarded], timeout=_CLOSE_SECONDS)
        if not discarded.done():
            log.warning("events.publisher_closes_late", client=self._client_id)

    def _send(self, records: Sequence[Outgoing], until: float) -> list[bool]:
        futures: list[Any] = []
        self._until = until
        try:
            producer = self._connected()
            for record in records:
                futures.append(producer.send(record.topic, record.value, record.key, record.headers))
            self._flush(producer)
        except KafkaError as error:
            log.warning("events.publish_failed", error=type(error).__name__)
        acknowledged = [future.succeeded() for future in futures]
        acknowledged += [False] * (len(records) - len(futures))
        if not all(acknowledged):
            self._discard()
        return acknowledged

    def _connected(self) -> Any:
        if self._producer is None:
            self._producer = client(
                KafkaProducer,
                **self._broker,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
                # flush() sends at once; until then records gather, so that a partition's are one batch
                linger_ms=int(_LINGER_SECONDS * 1000),
                batch_size=1_000_000,
                bootstrap_timeout_ms=int(_CONNECT_SECONDS * 1000),
                delivery_timeout_ms=int(_DELIVERY_SECONDS * 1000),
                request_timeout_ms=int(_REQUEST_SECONDS * 1000),
                max_block_ms=int(_CONNECT_SECONDS * 1000),
                reconnect_backoff_max_ms=1_000,
                metrics_enabled=False,
                socket_options=_SOCKET_OPTIONS,
            )
            self._gate(self._producer)
        return self._producer

    def _gate(self, producer: Any) -> None:
        """Lets the producer's own thread take records to send, and write them to a socket, until `_until` only.

        Its timeouts are no help: it looks at them after it has taken what it is about to send. A large request is written in
        parts: a process that was frozen between two of them must not write the rest when it wakes.
        """
        drain, network = producer._accumulator.drain, producer._sender._client._net
        wait_write = network.wait_write

        def gated_drain(*args: Any, **options: Any) -> Any:
            return drain(*args, **options) if time.monotonic() <= self._until else {}

        async def gated_write(*args: Any, **options: Any) -> None:
            await wait_write(*args, **options)
            if time.monotonic() > self._until:
                raise KafkaConnectionError("the time to write has passed")

        producer._accumulator.drain = gated_drain
        network.wait_write = gated_write

    def _flush(self, producer: Any) -> None:
        """Waits in slices, so that closing does not have to wait for a broker that is down."""
        end = min(time.monotonic() + _DELIVERY_SECONDS, self._until) + 1
        while True:
            try:
                producer.flush(timeout=0.25)
            except KafkaTimeoutError:
                if self._stopping.is_set() or time.monotonic() > end:
                    return
            else:
                return

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=_DISCARD_SECONDS)
        except KafkaError:
            # kafka-python 3.0 flushes first, and when that takes too long it leaves the producer and its thread running.
            producer._sender.force_close()
            producer._sender.join(_DISCARD_SECONDS)
