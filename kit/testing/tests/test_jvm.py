"""Kafka and Elasticsearch from the pinned jars are the real ones: they take, keep and give back."""

from collections.abc import AsyncIterator

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from kit.errors import Unavailable
from kit.search import Document, SearchIndex
from kit.testing import Elasticsearch, Kafka
from kit.testing.fixtures import elasticsearch, kafka

__all__ = ["elasticsearch", "kafka"]

INDEX = {"settings": {"number_of_replicas": 0}, "mappings": {"properties": {"name": {"type": "text"}}}}


@pytest.fixture
async def search(elasticsearch: Elasticsearch) -> AsyncIterator[SearchIndex]:
    search = SearchIndex(elasticsearch.url(), "things", INDEX)
    yield search
    await search.close()


def test_what_kafka_took_it_has_after_a_restart(kafka: Kafka) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap())
    admin.create_topics([NewTopic(name="kept", num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap(), acks="all")
    producer.send("kept", b"value").get(timeout=30)
    producer.close()
    kafka.stop()
    kafka.start()
    consumer = KafkaConsumer(
        "kept", bootstrap_servers=kafka.bootstrap(), auto_offset_reset="earliest", consumer_timeout_ms=30_000
    )
    assert next(consumer).value == b"value"
    consumer.close()


async def test_an_older_document_never_replaces_a_newer(search: SearchIndex) -> None:
    await search.write([Document("1", 2, {"name": "new"})])
    await search.write([Document("1", 1, {"name": "old"}), Document("2", 1, {"name": "other"})])
    await search.write([Document("2", 2, None), Document("3", 1, None)])
    await search.refresh()
    result = await search.search({"query": {"match_all": {}}})
    assert [hit["_source"] for hit in result["hits"]["hits"]] == [{"name": "new"}]


async def test_search_without_a_server_is_unavailable_and_comes_back(
    elasticsearch: Elasticsearch, search: SearchIndex
) -> None:
    elasticsearch.stop()
    with pytest.raises(Unavailable):
        await search.search({"query": {"match_all": {}}})
    elasticsearch.start()
    await search.ping()
