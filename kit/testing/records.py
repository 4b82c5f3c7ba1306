"""Publishes events in tests as another service would, and reads topics."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from kit.events import Topic
from kit.events.broker import broker_config
from kit.events.envelope import to_record
from kit.events.publisher import Publisher
from kit.testing.conditions import eventually

_NAMES = ("event_id", "key", "type", "time", "headers", "payload")


async def publish(
    bootstrap: str, topic: Topic, events: Sequence[Any], *, times: int = 1, shuffled: Random | None = None
) -> None:
    """Publishes events `times` times, with the same ids: all once, then all again, or in random order with `shuffled`."""
    columns = topic.outbox_rows(events)
    rows = [dict(zip(_NAMES, values, strict=True)) for values in zip(*columns[1:], strict=True)] * times
    if shuffled:
        shuffled.shuffle(rows)
    publisher = Publisher(bootstrap, "test")
    acknowledged = await publisher.send([to_record({"topic": columns.topic, **row}) for row in rows])
    await publisher.close()
    assert all(acknowledged)


async def records(bootstrap: str, topic: str) -> list[Any]:
    """All current records of a topic, in order within each partition."""
    return await asyncio.to_thread(_records, bootstrap, topic)


async def wait_for_records(bootstrap: str, topic: str, count: int, about: Callable[[Any], bool]) -> list[Any]:
    """Waits for `count` records that match `about`; returns all of them."""

    async def arrived() -> list[Any]:
        matching = [record for record in await records(bootstrap, topic) if about(record)]
        return matching if len(matching) >= count else []

    return await eventually(arrived, seconds=30)


def event_types(matching: Sequence[Any]) -> list[str]:
    """The event types of records, without their package."""
    return [dict(record.headers)["ce_type"].decode().rpartition(".")[2] for record in matching]


def _records(bootstrap: str, topic: str) -> list[Any]:
    consumer = KafkaConsumer(
        **broker_config(bootstrap), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        matching: list[Any] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for chunk in consumer.poll(timeout_ms=200).values():
                matching.extend(chunk)
        return matching
    finally:
        consumer.close()
