"""A Kafka producer in its own thread.

Order is preserved: each `send` is acknowledged before the next, and a failed producer is replaced, so that no record of a failed batch
arrives after a later batch.
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
from kit.events.envelope import OutgoingRecord
from kit.events.kafka_client import create_client
from kit.telemetry import get_logger

log = get_logger(__name__)

# Data written to a socket reaches the broker within this time, or the kernel drops the connection with its unsent data.
UNANSWERED_SECONDS = 10.0
_DELIVERY_SECONDS = 20.0
_REQUEST_SECONDS = 10.0
_LINGER_SECONDS = 2.0
_CONNECT_SECONDS = 5.0
_DISCARD_SECONDS = 1.0
# All calls of the thread are bounded, so it ends by itself after this.
_CLOSE_SECONDS = 8.0
_SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNANSWERED_SECONDS * 1000)),
]
# All records of one send to a partition must fit into one record batch, which keeps their order.
MAX_BYTES = 800_000


class Publisher:
    """Sends records and waits for acknowledgement by all in-sync replicas; connects at the first send."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._broker = broker_config(bootstrap)
        self._client_id = client_id
        self._producer: Any = None
        self._gate = _WriteGate()
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=client_id)

    async def send(self, records: Sequence[OutgoingRecord], *, until: float = math.inf) -> list[bool]:
        """Whether each record was acknowledged, within 20 s; never raises KafkaError.

        After `until` (time.monotonic()) nothing is written to Kafka, even if this process was frozen in between.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._send, records, until)

    async def close(self) -> None:
        """Closes within a few seconds even if the broker does not respond; unacknowledged records count as not sent."""
        self._stopping.set()
        discarded = asyncio.get_running_loop().run_in_executor(self._thread, self._discard)
        self._thread.shutdown(wait=False)
        await asyncio.wait([discarded], timeout=_CLOSE_SECONDS)
        if not discarded.done():
            log.warning("events.publisher_close_timeout", client=self._client_id)

    def _send(self, records: Sequence[OutgoingRecord], until: float) -> list[bool]:
        futures: list[Any] = []
        try:
            producer = self._connected()
            self._gate.until = until
            for record in records:
                futures.append(producer.send(record.topic, record.value, record.key, record.headers))
            self._flush(producer)
        except KafkaError as error:
            log.warning("events.publish_failed", error=type(error).__name__)
        acknowledged = [future.succeeded() for future in futures]
        acknowledged += [False] * (len(records) - len(futures))
        if all(acknowledged):
            # No record is left to write, and an idle producer must be able to refresh its metadata.
            self._gate.until = math.inf
        else:
            self._discard()
        return acknowledged

    def _connected(self) -> Any:
        if self._producer is None:
            self._producer = create_client(
                KafkaProducer,
                **self._broker,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
                # flush() sends immediately; until then records accumulate, so that each partition gets one batch.
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
            self._gate = _WriteGate()
            self._gate.guard(self._producer)
        return self._producer

    def _flush(self, producer: Any) -> None:
        """Waits in slices, so that closing does not wait for a broker that is down."""
        end = min(time.monotonic() + _DELIVERY_SECONDS, self._gate.until) + 1
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
            # kafka-python 3.0 flushes first; if that times out, it leaves the producer and its thread running.
            producer._sender.force_close()
            producer._sender.join(_DISCARD_SECONDS)
        # Its thread may outlive this, and must not write what counts as not sent.
        self._gate.until = -math.inf


class _WriteGate:
    """Lets a producer take records to send, and write to a socket, only until `until` (time.monotonic()).

    The producer's timeouts do not suffice, because it checks them only after taking the records to send. A large request is written in
    parts, and a process that was frozen between two parts must not write the rest when it wakes.
    """

    def __init__(self) -> None:
        self.until = math.inf

    def guard(self, producer: Any) -> None:
        """Applies to this producer from now on."""
        drain, network = producer._accumulator.drain, producer._sender._client._net
        wait_write = network.wait_write

        def gated_drain(*args: Any, **options: Any) -> Any:
            return drain(*args, **options) if time.monotonic() <= self.until else {}

        async def gated_write(*args: Any, **options: Any) -> None:
            await wait_write(*args, **options)
            if time.monotonic() > self.until:
                raise KafkaConnectionError("the write deadline has passed")

        producer._accumulator.drain = gated_drain
        network.wait_write = gated_write
