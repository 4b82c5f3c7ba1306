"""Creates Kafka clients that leak nothing when the brokers do not respond."""

from __future__ import annotations

import contextlib
from typing import Any

from kafka.errors import KafkaError

_STOP_MS = 1_000


def create_client(kind: Any, **options: Any) -> Any:
    """A `KafkaConsumer`, `KafkaProducer` or `KafkaAdminClient`; raises KafkaError when the brokers do not respond in time.

    The constructors of kafka-python 3.0 start a thread and open connections first, and leak both when they fail.
    """
    clients: list[Any] = []

    def net_client(*args: Any, **settings: Any) -> Any:
        clients.append(kind.DEFAULT_CONFIG["kafka_client"](*args, **settings))
        return clients[-1]

    try:
        return kind(kafka_client=net_client, **options)
    except BaseException:
        for started in clients:
            with contextlib.suppress(KafkaError):
                started.close()
            started._manager._net.stop(timeout_ms=_STOP_MS)
        raise
