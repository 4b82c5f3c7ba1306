"""When offsets are committed, and what is delivered again after a kill."""

import asyncio
import multiprocessing
import os
import signal

from google.protobuf.wrappers_pb2 import StringValue
from kafka import KafkaConsumer, TopicPartition

from kit.db import Database, Transaction
from kit.events import Consumers, Event, Subscription, Topic
from kit.events.broker import broker_config
from kit.events.metrics import CONSUMED
from kit.events.tests.notes import Noted, note
from kit.events.tests.writing import Writer, db, note_consumers, topic, wait_for_notes, writer
from kit.testing import Kafka, eventually
from kit.testing.fixtures import database_url, kafka, postgres

__all__ = ["database_url", "db", "kafka", "postgres", "topic", "writer"]

_LAST = "zz: the process is killed"


def _duplicates() -> float:
    value: float = CONSUMED.labels("notes", "", "duplicate")._value.get()
    return value


def _committed(kafka: Kafka, topic: Topic) -> int:
    """The sum of the group's committed offsets: the number of events that are not delivered again."""
    consumer = KafkaConsumer(**broker_config(kafka.bootstrap()), group_id="notes", enable_auto_commit=False)
    try:
        partitions = consumer.partitions_for_topic(topic.name) or ()
        return sum(consumer.committed(TopicPartition(topic.name, number)) or 0 for number in partitions)
    finally:
        consumer.close(autocommit=False)


async def test_handled_offsets_are_committed_while_the_consumer_runs(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, *(Noted(f"{number}", f"{number}") for number in range(20)))

    async def committed() -> bool:
        return await asyncio.to_thread(_committed, kafka, topic) == 20

    await eventually(committed, seconds=30)
    await consumers.close()


async def test_a_stop_commits_what_was_handled(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    before = _duplicates()
    for text in ("a", "b", "c"):
        consumers = note_consumers(db, topic, kafka, writer)
        await consumers.open()
        await note(db, Noted("key", text))
        await wait_for_notes(db, [other for other in ("a", "b", "c") if other <= text])
        await consumers.close()
    assert _duplicates() == before


async def test_a_rebalance_commits_what_was_handled(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    before = _duplicates()
    handled: dict[str, list[str]] = {"first": [], "guest": []}

    def handler(name: str) -> Subscription:
        async def write(tx: Transaction, event: Event[StringValue]) -> None:
            await writer(tx, event)
            handled[name].append(event.body.value)

        return Subscription(topic.name, {StringValue: write})

    first, guest = (
        Consumers("notes", [handler(name)], bootstrap=kafka.bootstrap(), database=db) for name in handled
    )
    await first.open()
    published: list[str] = []

    async def guest_has_partitions() -> bool:
        """Events flow before, during and after the rebalance."""
        published.extend(f"{len(published) + number:05}" for number in range(6))
        await note(db, *(Noted(text, text) for text in published[-6:]))
        return bool(handled["guest"])

    await note(db, Noted("before", "before"))
    await wait_for_notes(db, ["before"])
    await guest.open()
    await eventually(guest_has_partitions, seconds=40)
    await wait_for_notes(db, ["before", *published], seconds=25)
    await guest.close()
    await first.close()
    assert _duplicates() == before


async def test_what_was_handled_before_a_kill_is_delivered_again_without_a_second_effect(
    db: Database, database_url: str, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    """More events than one poll returns: the process is killed by the last, right after the others were handled."""
    expected = [f"{number:04}" for number in range(600)]
    await note(db, *(Noted("key", text) for text in [*expected, _LAST]))
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)
    process = multiprocessing.get_context("spawn").Process(
        target=_consume_until_killed, args=(database_url, topic.name, kafka.bootstrap())
    )
    process.start()
    try:
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == -signal.SIGKILL
    finally:
        process.kill()
    handled = await db.fetchval("SELECT count(*) FROM inbox")
    assert handled > 0
    assert await asyncio.to_thread(_committed, kafka, topic) == 0

    before = _duplicates()
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await wait_for_notes(db, [*expected, _LAST], seconds=40)
    await consumers.close()
    assert _duplicates() - before == handled


def _consume_until_killed(database_url: str, topic: str, bootstrap: str) -> None:
    asyncio.run(_consume(database_url, topic, bootstrap))


async def _consume(database_url: str, topic: str, bootstrap: str) -> None:
    async def write(tx: Transaction, event: Event[StringValue]) -> None:
        if event.body.value == _LAST:
            os.kill(os.getpid(), signal.SIGKILL)
        await tx.execute("INSERT INTO notes VALUES ($1)", event.body.value)

    database = Database(database_url)
    await database.open()
    subscription = Subscription(topic, {StringValue: write})
    consumers = Consumers("notes", [subscription], bootstrap=bootstrap, database=database)
    await consumers.open()
    await asyncio.Event().wait()
