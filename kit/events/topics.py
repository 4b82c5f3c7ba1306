"""Topic names, and the creation of topics. Auto-creation is off everywhere, so `migrate` creates them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from kit.events.broker import broker_config
from kit.events.kafka_client import create_client
from kit.events.subscriptions import AnySubscription, consumer_groups

PARTITIONS = 6
_CONNECT_MS = 10_000


def dead_letter_topic(topic: str, group: str) -> str:
    """The dead-letter topic of a group: souk.order.v1.dlq.payment"""
    return f"{topic}.dlq.{group}"


def replay_group(topic: str) -> str:
    """The consumer group whose offsets mark the replayed or dropped dead letters of a topic."""
    return f"{topic}.replay"


def topics_used_by(
    service: str, publishes: str | None, subscriptions: Sequence[AnySubscription]
) -> list[str]:
    """All topics that a service needs: its own, those it consumes, and its dead-letter topics."""
    names = {publishes} if publishes else set()
    for group in consumer_groups(service, subscriptions):
        for topic in group.topics:
            names |= {topic, dead_letter_topic(topic, group.name)}
    return sorted(names)


def ensure_topics(bootstrap: str, names: Iterable[str], partitions: int = PARTITIONS) -> list[str]:
    """Creates missing topics and returns their names. Blocks; safe to run concurrently.

    Dead-letter topics have one partition, because they have few records.
    """
    admin = create_client(
        KafkaAdminClient,
        **broker_config(bootstrap),
        client_id="souk-migrate",
        bootstrap_timeout_ms=_CONNECT_MS,
    )
    try:
        missing = sorted(set(names) - set(admin.list_topics()))
        return [name for name in missing if _create(admin, name, 1 if ".dlq." in name else partitions)]
    finally:
        admin.close()


def _create(admin: KafkaAdminClient, name: str, partitions: int) -> bool:
    try:
        # -1: the broker's default, one on a laptop and three in a cluster.
        admin.create_topics(
            {name: {"num_partitions": partitions, "replication_factor": -1}}, wait_for_metadata=True
        )
    except TopicAlreadyExistsError:
        return False
    return True
