"""Partitions are assigned of known topics only."""

from types import SimpleNamespace
from typing import Any

import pytest

from kit.events.assignor import KnownTopicsAssignor, TopicsUnknown


class Cluster:
    """Metadata of some topics."""

    def __init__(self, **partitions: set[int]) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return self._partitions.get(topic)


def member(*topics: str) -> Any:
    return SimpleNamespace(member_id="a", group_instance_id=None, metadata=SimpleNamespace(topics=topics))


def test_known_topics_are_assigned_whole() -> None:
    assigned = KnownTopicsAssignor.assign(
        Cluster(orders={0, 1}, payments={0}), [member("orders", "payments")]
    )
    assert assigned["a"].partitions() == [("orders", 0), ("orders", 1), ("payments", 0)]


def test_a_topic_that_is_not_known_yet_ends_the_session() -> None:
    with pytest.raises(TopicsUnknown, match="payments"):
        KnownTopicsAssignor.assign(Cluster(orders={0}), [member("orders", "payments")])
