"""A consumer group's offsets, set back: its last events are delivered again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError
from kafka.structs import OffsetAndMetadata

_AGAIN = 200
_EMPTY_SECONDS = 20.0


def put_back(bootstrap: str, group: str, topics: Sequence[str]) -> None:
    """Sets the group back by 200 events a partition; it has to be empty."""
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
                offsets[partition] = OffsetAndMetadata(max(0, committed - _AGAIN), "", -1)
        end = time.monotonic() + _EMPTY_SECONDS
        while offsets:
            try:
                consumer.commit(offsets)
                return
            except CommitFailedError:  # a member that was killed before is still remembered
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
    finally:
        consumer.close(autocommit=False)
