"""Who reads which partitions: Kafka's range assignment, but never of topics that are not known yet."""

from typing import Any

from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError


class TopicsUnknown(KafkaError):  # type: ignore[misc]
    """The leader's metadata lacks topics of the group, as it does while a broker starts."""


class KnownTopicsAssignor(RangePartitionAssignor):  # type: ignore[misc]
    """kafka-python 3.0 passes an unknown topic over with a warning, and assigns it to nobody for ever after; here the group joins again."""

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        """Raises TopicsUnknown, which ends the leader's session; the next one begins with fresh metadata."""
        topics = {topic for member in members for topic in member.metadata.topics}
        if unknown := sorted(topic for topic in topics if not cluster.partitions_for_topic(topic)):
            raise TopicsUnknown(f"no metadata of {', '.join(unknown)}")
        return super().assign(cluster, members)
