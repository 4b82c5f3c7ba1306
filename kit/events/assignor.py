"""Assigns partitions to consumers: Kafka's range assignment, but not while topics are missing in the metadata."""

from typing import Any

from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError


class TopicsUnknown(KafkaError):  # type: ignore[misc]
    """The leader's metadata lacks topics of the group, as happens while a broker starts."""


class KnownTopicsAssignor(RangePartitionAssignor):  # type: ignore[misc]
    """kafka-python 3.0 skips an unknown topic with a warning and then never assigns it; here the group joins again instead."""

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        """Raises TopicsUnknown, which ends the leader's session; the next one starts with fresh metadata."""
        topics = {topic for member in members for topic in member.metadata.topics}
        if unknown := sorted(topic for topic in topics if not cluster.partitions_for_topic(topic)):
            raise TopicsUnknown(f"topics do not exist: {', '.join(unknown)}")
        return super().assign(cluster, members)
