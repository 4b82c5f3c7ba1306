"""Relay, Kafka and consumers together, on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.wrappers_pb2 import StringValue

from kit.db import Database, Transaction
from kit.events import (
    BatchSubscription,
    Consumers,
    Event,
    Relay,
    Subscription,
    Topic,
)
from kit.events.metrics import LAG
from kit.events.tests.notes import Noted, note, opened, texts
from kit.events.tests.writing import (
    Writer,
    db,
    note_consumers,
    sorted_notes,
    topic,
    wait_for_notes,
    writer,
)
from kit.testing import Kafka, Postgres, eventually
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.records import records

__all__ = ["database_url", "db", "kafka", "postgres", "topic", "writer"]


async def test_what_is_emitted_is_handled_once(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    expected = [f"{number:04}" for number in range(700)]
    await note(db, *(Noted(text, text) for text in expected))
    await wait_for_notes(db, expected)
    await consumers.close()


async def test_a_restarted_consumer_goes_on_where_the_last_one_ended(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    for text in ("a", "b"):
        consumers = note_consumers(db, topic, kafka, writer)
        await consumers.open()
        await note(db, Noted("key", text))
        await eventually(lambda text=text: _has(db, text))  # type: ignore[misc]
        await consumers.close()

    await wait_for_notes(db, ["a", "b"])
    assert await db.fetchval("SELECT count(*) FROM inbox") == 2


async def _has(db: Database, text: str) -> bool:
    return text in await sorted_notes(db)


async def test_events_published_twice_have_one_effect(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    await note(db, Noted("key", "first"))
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await wait_for_notes(db, ["first"])
    # It may be consumed before it is marked.
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)
    await db.execute("UPDATE outbox SET published_at = NULL")  # as if the relay had died before it marked
    await note(db, Noted("key", "second"))
    await wait_for_notes(db, ["first", "second"])
    await consumers.close()

    assert texts(await records(kafka.bootstrap(), topic.name)).count("first") == 2


async def test_what_passes_by_itself_is_tried_until_it_does(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.later.add("patience")
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    keys = [f"key{number}" for number in range(20)]  # Enough that every partition gets some.
    await note(db, Noted("key", "patience"))
    await note(db, *(Noted(key, key) for key in keys))

    async def maximum() -> bool:
        return len(await sorted_notes(db)) >= 10

    await eventually(maximum)  # the other partitions go on
    writer.later.clear()
    await wait_for_notes(db, ["patience", *keys])
    assert not await records(kafka.bootstrap(), f"{topic.name}.dlq.notes")
    await consumers.close()


async def test_a_rebalance_while_an_event_waits_for_its_retry_leaves_no_partition_behind(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.later.add("patience")
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "patience"), Noted("other", "first"))
    await wait_for_notes(db, ["first"])

    guest = note_consumers(db, topic, kafka, writer)
    await guest.open()
    await note(db, *(Noted(f"key{number}", f"key{number}") for number in range(20)))
    await guest.close()
    writer.later.clear()

    await wait_for_notes(db, ["first", "patience", *(f"key{number}" for number in range(20))], seconds=30)
    await consumers.close()


async def test_the_lag_counts_what_is_published_behind_an_event_that_is_retried(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    def lag() -> float:
        value: float = LAG.labels("notes", topic.name)._value.get()
        return value

    writer.later.add("patience")
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "patience"))
    await eventually(lambda: lag() == 1, seconds=30)
    # More than one poll returns.
    behind = [f"{number:03}" for number in range(700)]
    await note(db, *(Noted("key", text) for text in behind))
    await eventually(lambda: lag() == 701, seconds=30)
    writer.later.clear()
    await wait_for_notes(db, ["patience", *behind], seconds=30)
    await eventually(lambda: lag() == 0, seconds=30)
    await consumers.close()


async def test_a_slow_chunk_does_not_cost_the_membership(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.seconds = 2.5
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, *(Noted("key", f"slow {number}") for number in range(3)))
    await wait_for_notes(db, [f"slow {number}" for number in range(3)], seconds=25)
    writer.seconds = 0
    await note(db, Noted("key", "slow 3"))
    await wait_for_notes(db, [f"slow {number}" for number in range(4)])
    await consumers.close()

    assert await db.fetchval("SELECT count(*) FROM inbox") == 4


async def test_two_consumers_share_the_work_and_survive_each_other(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    first, second = (note_consumers(db, topic, kafka, writer) for _ in range(2))
    await first.open()
    await second.open()
    expected = [f"{number:03}" for number in range(60)]
    for text in expected[:30]:
        await note(db, Noted(text, text))
    await first.close()
    for text in expected[30:]:
        await note(db, Noted(text, text))
    await wait_for_notes(db, expected, seconds=25)
    await second.close()


async def test_kafka_may_be_down_at_the_start_and_go_away_amid(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    consumers = note_consumers(db, topic, kafka, writer)
    kafka.stop()
    await consumers.open()
    await note(db, Noted("key", "a"))
    await asyncio.to_thread(kafka.start)
    await wait_for_notes(db, ["a"], seconds=40)
    kafka.kill()
    await note(db, Noted("key", "b"))
    await asyncio.to_thread(kafka.start)
    await wait_for_notes(db, ["a", "b"], seconds=40)
    await consumers.close()


async def test_the_database_may_go_away_amid(
    topic: Topic, kafka: Kafka, writer: Writer, tmp_path: Path
) -> None:
    server = Postgres(tmp_path, durable=False)
    server.start()
    db = await opened(server.url(), topic)
    relay, consumers = Relay(db, kafka.bootstrap()), note_consumers(db, topic, kafka, writer)
    await relay.open()
    await consumers.open()
    await note(db, Noted("key", "a"))
    await wait_for_notes(db, ["a"])
    await note(db, Noted("key", "b"))
    server.stop()
    await asyncio.to_thread(server.start)
    await note(db, Noted("key", "c"))
    await wait_for_notes(db, ["a", "b", "c"], seconds=25)
    await consumers.close()
    await relay.close()
    await db.close()
    server.stop()


async def test_a_chunk_under_way_is_finished_before_the_stop(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.seconds = 1.0
    started = asyncio.Event()

    async def slow(tx: Transaction, event: Event[StringValue]) -> None:
        started.set()
        await writer(tx, event)

    consumers = note_consumers(db, topic, kafka, slow)
    await consumers.open()
    await note(db, Noted("key", "last"))
    await asyncio.wait_for(started.wait(), 15)
    await consumers.close()

    assert await sorted_notes(db) == ["last"]


async def test_a_batch_subscription_is_a_group_without_an_inbox(
    db: Database, topic: Topic, kafka: Kafka
) -> None:
    received: list[str] = []

    async def index(events: Sequence[Event[Any]]) -> None:
        received.extend(event.body.value for event in events)

    subscription = BatchSubscription(topic.name, "indexer", (StringValue,), index)
    consumers = Consumers("notes", [subscription], bootstrap=kafka.bootstrap())
    await consumers.open()
    await note(db, Noted("key", "a"), Noted("key", "b"))
    await eventually(lambda: received == ["a", "b"])
    await consumers.close()


async def test_a_group_whose_handler_was_cancelled_from_within_goes_on(
    db: Database, topic: Topic, kafka: Kafka
) -> None:
    handled: list[str] = []

    async def cancelled_once(tx: Transaction, event: Event[StringValue]) -> None:
        handled.append(event.body.value)
        if len(handled) == 1:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        await tx.execute("INSERT INTO notes VALUES ($1)", event.body.value)

    on = Subscription(topic.name, {StringValue: cancelled_once})
    consumers = Consumers("notes", [on], bootstrap=kafka.bootstrap(), database=db)
    await consumers.open()
    await note(db, Noted("a", "1"))

    async def written() -> bool:
        return bool(await db.fetchval("SELECT count(*) FROM notes") == 1)

    await eventually(written, seconds=40)
    await consumers.close()
    assert handled == ["1", "1"]
