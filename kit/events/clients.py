"""Makes Kafka clients that leave nothing behind when their broker does not answer."""

from __future__ import annotations

import contextlib
from typing import Any

from kafka.errors import KafkaError

_STOP_MS = 1_000


def client(kind: Any, **options: Any) -> Any:
    """A `KafkaConsumer`, `KafkaProducer` or `KafkaAdminClient`; raises KafkaError when the brokers do not answer in time.

    The constructors of kafka-python 3.0 start a thread and open connections before they find that out, and then leave both.
    """
    begun: list[Any] = []

    def net_client(*args: Any, **settings: Any) -> Any:
        begun.append(kind.DEFAULT_CONFIG["kafka_client"](*args, **settings))
        return begun[-1]

    try:
        return kind(kafka_client=net_client, **options)
    except BaseException:
        for each in begun:
            with contextlib.suppress(KafkaError):
                each.close()
            each._manager._net.stop(timeout_ms=_STOP_MS)
        raise
