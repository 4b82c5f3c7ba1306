"""Topics in tests: facts as another service publishes them, and all that a topic holds."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from kit.events import Topic
from kit.events.broker import broker_config
from kit.events.envelope import outgoing
from kit.events.publisher import Publisher
from kit.testing.conditions import eventually

_NAMES = ("event_id", "key", "type", "time", "headers", "payload")


async def publish(
    bootstrap: str, topic: Topic, facts: Sequence[Any], *, times: int = 1, shuffled: Random | None = None
) -> None:
    """Publishes facts, each the same event so many times: all of them once, then all again, unless they are to be shuffled."""
    columns = topic.outbox_rows(facts)
    rows = [dict(zip(_NAMES, values, strict=True)) for values in zip(*columns[1:], strict=True)] * times
    if shuffled:
        shuffled.shuffle(rows)
    publisher = Publisher(bootstrap, "test")
    acknowledged = await publisher.send([outgoing({"topic": columns.topic, **row}) for row in rows])
    await publisher.close()
    assert all(acknowledged)


async def records(bootstrap: str, topic: str) -> list[Any]:
    """All that a topic holds now, each partition in its order."""
    return await asyncio.to_thread(_records, bootstrap, topic)


async def wait_for_records(bootstrap: str, topic: str, count: int, about: Callable[[Any], bool]) -> list[Any]:
    """Waits for so many records about something; answers all of them."""

    async def arrived() -> list[Any]:
        found = [record for record in await records(bootstrap, topic) if about(record)]
        return found if len(found) >= count else []

    return await eventually(arrived, seconds=30)


def event_types(found: Sequence[Any]) -> list[str]:
    """The records' types, without their package."""
    return [dict(record.headers)["ce_type"].decode().rpartition(".")[2] for record in found]


def _records(bootstrap: str, topic: str) -> list[Any]:
    consumer = KafkaConsumer(
        **broker_config(bootstrap), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found: list[Any] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for chunk in consumer.poll(timeout_ms=200).values():
                found.extend(chunk)
        return found
    finally:
        consumer.close()
