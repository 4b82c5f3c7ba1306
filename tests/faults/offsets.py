"""Rewinds the offsets of a consumer group, so that its latest events are delivered again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError
from kafka.structs import OffsetAndMetadata

_EVENTS = 200
_EMPTY_SECONDS = 20.0


def rewind(bootstrap: str, group: str, topics: Sequence[str]) -> None:
    """Rewinds every partition of the group by 200 events; the group must have no members."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        consumer.assign(partitions)
        offsets = {}
        for partition in partitions:
            committed = consumer.committed(partition)
            if committed:
                offsets[partition] = OffsetAndMetadata(max(0, committed - _EVENTS), "", -1)
        end = time.monotonic() + _EMPTY_SECONDS
        while offsets:
            try:
                consumer.commit(offsets)
                return
            except CommitFailedError:  # a member that was killed earlier has not timed out yet
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
    finally:
        consumer.close(autocommit=False)
