"""Groups without an inbox, such as the search index's: what they have not handled is unfinished work."""

import asyncio

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from kit.events.broker import broker_config
from kit.events.topics import ensure_topics
from kit.testing import Kafka
from kit.testing.fixtures import kafka
from tests.invariants.sources import DataSources
from tests.invariants.subscriptions import groups_without_inbox

__all__ = ["kafka"]

_TOPIC = "souk.catalog.v1"
_GROUP = "catalog.indexer"


def _produce(kafka: Kafka, count: int) -> None:
    producer = KafkaProducer(**broker_config(kafka.bootstrap()))
    for _ in range(count):
        producer.send(_TOPIC, b"event").get(10)
    producer.close()


def _commit(kafka: Kafka, offset: int) -> None:
    consumer = KafkaConsumer(**broker_config(kafka.bootstrap()), group_id=_GROUP, enable_auto_commit=False)
    consumer.assign([TopicPartition(_TOPIC, 0)])
    consumer.commit({TopicPartition(_TOPIC, 0): OffsetAndMetadata(offset, "", -1)})
    consumer.close(autocommit=False)


def test_the_group_of_the_search_index_has_no_inbox() -> None:
    assert groups_without_inbox()[_GROUP] == [_TOPIC]


async def test_events_that_the_search_index_has_not_handled_are_unfinished_work(kafka: Kafka) -> None:
    sources = DataSources({}, bootstrap=kafka.bootstrap())
    topics = {_GROUP: [_TOPIC]}
    await asyncio.to_thread(ensure_topics, kafka.bootstrap(), [_TOPIC], 1)

    await asyncio.to_thread(_produce, kafka, 3)
    assert await sources.uncommitted(topics) == 3

    await asyncio.to_thread(_commit, kafka, 2)
    assert await sources.uncommitted(topics) == 1

    await asyncio.to_thread(_commit, kafka, 3)
    assert await sources.uncommitted(topics) == 0
