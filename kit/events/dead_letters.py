"""Dead letters: events that a group could not handle, published to a topic of their own with the error beside them.

A group with a database also keeps them in its table `dead_letters` until an operator replays or drops them (`letter_store`): that is what
counts, the topic's copy is for other tools. A group without one has the topic only, for as long as Kafka keeps it.
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
from kit.events.clients import client
from kit.events.envelope import Outgoing
from kit.events.letter_store import keep
from kit.events.letters import DeadLetter
from kit.events.publisher import Publisher
from kit.events.topics import dead_letter_topic, replay_group
from kit.values import rfc3339, utc_now

_PREFIX = "dlq_"
_BATCH = 500
_LONGEST_ERROR = 500


class DeadLetterQueue:
    """Writes the dead letters of one group."""

    def __init__(self, group: str, publisher: Publisher, database: Database | None = None) -> None:
        self._group = group
        self._publisher = publisher
        self._database = database

    async def bury(self, record: Any, error: Exception, tries: int) -> None:
        """Keeps the record as it came, and publishes it with the error in its headers; raises Unavailable without Kafka or the database."""
        message = str(error)[:_LONGEST_ERROR]
        if self._database is not None:
            # PostgreSQL's text takes no NUL, and an error may quote one.
            await keep(self._database, self._group, record, error, message.replace("\0", ""), tries)
        facts = {
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
            *((_PREFIX + name, str(value).encode()) for name, value in facts.items()),
        ]
        letter = Outgoing(dead_letter_topic(record.topic, self._group), record.key, record.value, headers)
        if not all(await self._publisher.send([letter])):
            raise Unavailable("Kafka is unavailable", reason="KAFKA_UNAVAILABLE")


async def waiting(bootstrap: str, topic: str) -> list[DeadLetter]:
    """What is in a topic of dead letters and was not replayed; nothing changes."""
    consumer = await asyncio.to_thread(_reader, bootstrap, topic)
    try:
        letters = []
        while chunk := await asyncio.to_thread(_next, consumer, topic):
            letters += [_letter(record) for record in chunk]
        return letters
    finally:
        await asyncio.to_thread(consumer.close, autocommit=False)


async def drop(bootstrap: str, topic: str) -> int:
    """Passes over what is in a topic of dead letters now, so that it is neither listed nor replayed; answers how many."""
    consumer = await asyncio.to_thread(_reader, bootstrap, topic)
    try:
        count = 0
        while letters := await asyncio.to_thread(_next, consumer, topic):
            await asyncio.to_thread(_commit, consumer, letters)
            count += len(letters)
        return count
    finally:
        await asyncio.to_thread(consumer.close, autocommit=False)


async def replay(bootstrap: str, topic: str) -> int:
    """Puts what is in a topic of dead letters now back onto the topics it came from; answers how many.

    What was replayed is not replayed again, unless this ends amid its work.
    """
    publisher = Publisher(bootstrap, "souk-replay")
    consumer = await asyncio.to_thread(_reader, bootstrap, topic)
    try:
        count = 0
        while letters := await asyncio.to_thread(_next, consumer, topic):
            if not all(await publisher.send([_revived(letter) for letter in letters])):
                raise Unavailable("Kafka is unavailable", reason="KAFKA_UNAVAILABLE")
            await asyncio.to_thread(_commit, consumer, letters)
            count += len(letters)
        return count
    finally:
        await asyncio.to_thread(consumer.close, autocommit=False)
        await publisher.close()


def _reader(bootstrap: str, topic: str) -> Any:
    """A consumer without a group's rebalancing, whose offsets are kept under a group's name all the same."""
    consumer = client(
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


def _next(consumer: Any, topic: str) -> list[Any]:
    """Some more letters; empty once all that were there have been read."""
    ends = consumer.end_offsets(list(consumer.assignment()))
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        if chunk := consumer.poll(timeout_ms=1000):
            return [record for records in chunk.values() for record in records]
    return []


def _commit(consumer: Any, letters: Sequence[Any]) -> None:
    ends = {TopicPartition(letter.topic, letter.partition): letter.offset + 1 for letter in letters}
    consumer.commit({partition: OffsetAndMetadata(offset, "", -1) for partition, offset in ends.items()})


def _letter(record: Any) -> DeadLetter:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    told = {name.removeprefix(_PREFIX): value for name, value in headers.items() if name.startswith(_PREFIX)}
    return DeadLetter(
        record=f"{told['topic']}/{told['partition']}@{told['offset']}",
        type=headers.get("ce_type", ""),
        key=(record.key or b"").decode(errors="replace"),
        error=told["error"],
        message=told["message"],
        tries=told["tries"],
        time=told["time"],
    )


def _revived(letter: Any) -> Outgoing:
    source = next(value.decode() for name, value in letter.headers if name == _PREFIX + "topic")
    return Outgoing(source, letter.key, letter.value, _original(letter.headers))


def _original(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(name, value) for name, value in headers if not name.startswith(_PREFIX)]
