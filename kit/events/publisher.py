"""One Kafka producer in one thread, which nobody else touches.

Order is the caller's: what is handed over in one `send` is acknowledged before the next, and a producer that failed is
replaced, so that nothing of a failed batch comes after a later one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from kit.events.broker import broker
from kit.events.envelope import Outgoing
from kit.telemetry import get_logger

log = get_logger(__name__)

_DELIVERY_SECONDS = 20.0
_CLOSE_SECONDS = 2.0
# All of one send for a partition fits into one record batch, which is what keeps it in order.
MOST_BYTES = 800_000


class Publisher:
    """Sends records and awaits their acknowledgement by all in-sync replicas; connects at the first send."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._broker = broker(bootstrap)
        self._client_id = client_id
        self._producer: Any = None
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=client_id)

    async def send(self, records: Sequence[Outgoing]) -> list[bool]:
        """Whether each record was acknowledged; never raises for Kafka's sake, waits up to 20 s for it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._send, records)

    async def close(self) -> None:
        """Ends within a few seconds; what is not acknowledged by then counts as not sent."""
        self._stopping.set()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._discard)
        self._thread.shutdown(wait=False)

    def _send(self, records: Sequence[Outgoing]) -> list[bool]:
        futures: list[Any] = []
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
            self._producer = KafkaProducer(
                **self._broker,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
                # flush() sends at once; until then records gather, so that a partition's are one batch
                linger_ms=2_000,
                batch_size=1_000_000,
                bootstrap_timeout_ms=10_000,
                delivery_timeout_ms=int(_DELIVERY_SECONDS * 1000),
                request_timeout_ms=10_000,
                max_block_ms=10_000,
                reconnect_backoff_max_ms=1_000,
                metrics_enabled=False,
            )
        return self._producer

    def _flush(self, producer: Any) -> None:
        """Waits in slices, so that closing does not have to wait for a broker that is down."""
        end = time.monotonic() + _DELIVERY_SECONDS + 1
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
        if producer is not None:
            with contextlib.suppress(KafkaError):
                producer.close(timeout=_CLOSE_SECONDS)
