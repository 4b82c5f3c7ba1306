"""After a loss of data: events that are to be published again, and events of a time that the databases no longer know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from kit.db import Database
from kit.errors import Unavailable
from kit.events.broker import broker_config
from kit.events.kafka_client import create_client

_BATCH: Final = 5_000
_CONNECT_MS: Final = 10_000
# Kafka's name for the end of a partition.
_END: Final = -1
_BOUNDS = "SELECT coalesce(min(id), 1) AS first, coalesce(max(id), 0) AS last FROM outbox"
# Up to the last id at the start: the relay marks rows again while this runs.
_UNMARK = "UPDATE outbox SET published_at = NULL WHERE id BETWEEN $1 AND $2 AND published_at IS NOT NULL"


async def unmark_published(database: Database) -> int:
    """Has the relay publish every row of the outbox again, in the same order; returns their number.

    Groups with an inbox ignore what they handled before, and others repeat what changes nothing.
    """
    bounds = await database.fetchrow(_BOUNDS)
    assert bounds is not None
    count = 0
    for start in range(bounds["first"], bounds["last"] + 1, _BATCH):
        tag = await database.execute(_UNMARK, start, min(start + _BATCH - 1, bounds["last"]))
        count += int(tag.rpartition(" ")[2])
    return count


def discard_events(bootstrap: str, topics: Sequence[str]) -> None:
    """Deletes all events of these topics. Blocks; raises Unavailable."""
    try:
        admin = create_client(
            KafkaAdminClient,
            **broker_config(bootstrap),
            client_id="souk-republish",
            bootstrap_timeout_ms=_CONNECT_MS,
        )
        try:
            described = admin.describe_topics(list(topics))
            partitions = {
                TopicPartition(topic["name"], partition["partition_index"]): _END
                for topic in described
                for partition in topic["partitions"]
            }
            admin.delete_records(partitions)
        finally:
            admin.close()
    except KafkaError as error:
        raise Unavailable("Kafka is unavailable", reason="KAFKA_UNAVAILABLE") from error
