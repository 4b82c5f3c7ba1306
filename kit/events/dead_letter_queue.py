"""Dead letters: events that a group could not handle, published to a separate topic with the error in their headers.

A group with a database also stores them in its table `dead_letters` until an operator replays or drops them (`dead_letter_store`). The
table is authoritative; the topic's copy is for other tools. A group without a database only has the topic, as long as Kafka retains it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from kit.db import Database
from kit.errors import Unavailable
from kit.events.broker import broker_config
from kit.events.dead_letter import DeadLetter
from kit.events.dead_letter_store import store
from kit.events.envelope import OutgoingRecord
from kit.events.kafka_client import create_client
from kit.events.publisher import Publisher
from kit.events.topics import dead_letter_topic, replay_group
from kit.values import rfc3339, utc_now

_PREFIX = "dlq_"
_BATCH = 500
_MAX_MESSAGE_LENGTH = 500


class DeadLetterQueue:
    """Publishes the dead letters of one group."""

    def __init__(self, group: str, publisher: Publisher, database: Database | None = None) -> None:
        self._group = group
        self._publisher = publisher
        self._database = database

    async def publish(self, record: Any, error: Exception, tries: int) -> None:
        """Stores the record and publishes it with the error in its headers; raises Unavailable without Kafka or the database."""
        message = str(error)[:_MAX_MESSAGE_LENGTH]
        if self._database is not None:
            # PostgreSQL's text type does not allow NUL, which an error message may contain.
            await store(self._database, self._group, record, error, message.replace("\0", ""), tries)
        context = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "group": self._group,
            "error": type(error).__name__,
            "message": message,
            "tries": tries,
            "time": rfc3339(utc_now()),
        }
        headers = [
            *_original(record.headers),
            *((_PREFIX + name, str(value).encode()) for name, value in context.items()),
        ]
        dead_letter = OutgoingRecord(
            dead_letter_topic(record.topic, self._group), record.key, record.value, headers
        )
        if not all(await self._publisher.send([dead_letter])):
            raise Unavailable("Kafka is unavailable", reason="KAFKA_UNAVAILABLE")


async def list_pending(bootstrap: str, topic: str) -> list[DeadLetter]:
    """The dead letters in a topic that were neither replayed nor dropped."""
    consumer = await asyncio.to_thread(_reader, bootstrap, topic)
    try:
        dead_letters = []
        while batch := await asyncio.to_thread(_next_batch, consumer, topic):
            dead_letters += [_to_dead_letter(record) for record in batch]
        return dead_letters
    finally:
        await asyncio.to_thread(consumer.close, autocommit=False)


async def drop_pending(bootstrap: str, topic: str) -> int:
    """Skips the dead letters in a topic now, so that they are neither listed nor replayed; returns their number."""
    consumer = await asyncio.to_thread(_reader, bootstrap, topic)
    try:
        count = 0
        while dead_letters := await asyncio.to_thread(_next_batch, consumer, topic):
            await asyncio.to_thread(_commit, consumer, dead_letters)
            count += len(dead_letters)
        return count
    finally:
        await asyncio.to_thread(consumer.close, autocommit=False)


async def replay_pending(bootstrap: str, topic: str) -> int:
    """Publishes the dead letters in a topic to their original topics; returns their number.

    They are not replayed again, unless this is interrupted.
    """
    publisher = Publisher(bootstrap, "souk-replay")
    consumer = await asyncio.to_thread(_reader, bootstrap, topic)
    try:
        count = 0
        while dead_letters := await asyncio.to_thread(_next_batch, consumer, topic):
            if not all(
                await publisher.send([_to_original_record(dead_letter) for dead_letter in dead_letters])
            ):
                raise Unavailable("Kafka is unavailable", reason="KAFKA_UNAVAILABLE")
            await asyncio.to_thread(_commit, consumer, dead_letters)
            count += len(dead_letters)
        return count
    finally:
        await asyncio.to_thread(consumer.close, autocommit=False)
        await publisher.close()


def _reader(bootstrap: str, topic: str) -> Any:
    """A consumer with a fixed assignment, whose offsets are committed under a group's name."""
    consumer = create_client(
        KafkaConsumer,
        **broker_config(bootstrap),
        group_id=replay_group(topic),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=_BATCH,
    )
    consumer.assign(
        [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    )
    return consumer


def _next_batch(consumer: Any, topic: str) -> list[Any]:
    """The next dead letters; empty once all that existed at the call have been read."""
    ends = consumer.end_offsets(list(consumer.assignment()))
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        if batch := consumer.poll(timeout_ms=1000):
            return [record for records in batch.values() for record in records]
    return []


def _commit(consumer: Any, dead_letters: Sequence[Any]) -> None:
    ends = {
        TopicPartition(dead_letter.topic, dead_letter.partition): dead_letter.offset + 1
        for dead_letter in dead_letters
    }
    consumer.commit({partition: OffsetAndMetadata(offset, "", -1) for partition, offset in ends.items()})


def _to_dead_letter(record: Any) -> DeadLetter:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    context = {
        name.removeprefix(_PREFIX): value for name, value in headers.items() if name.startswith(_PREFIX)
    }
    return DeadLetter(
        record=f"{context['topic']}/{context['partition']}@{context['offset']}",
        type=headers.get("ce_type", ""),
        key=(record.key or b"").decode(errors="replace"),
        error=context["error"],
        message=context["message"],
        tries=context["tries"],
        time=context["time"],
    )


def _to_original_record(dead_letter: Any) -> OutgoingRecord:
    source = next(value.decode() for name, value in dead_letter.headers if name == _PREFIX + "topic")
    return OutgoingRecord(source, dead_letter.key, dead_letter.value, _original(dead_letter.headers))


def _original(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(name, value) for name, value in headers if not name.startswith(_PREFIX)]
