"""Relay, Kafka and consumers together, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from kit.db import Database, Transaction
from kit.errors import Unavailable
from kit.events import (
    BatchSubscription,
    Consumers,
    Event,
    Publisher,
    Relay,
    Subscription,
    Topic,
    drop_pending,
    drop_stored,
    list_pending,
    list_stored,
    replay_pending,
    replay_stored,
)
from kit.events.envelope import OutgoingRecord
from kit.events.metrics import DEAD_LETTERS
from kit.events.tests.notes import Noted, fresh_topic, note, opened, texts
from kit.testing import Kafka, Postgres, eventually
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.records import records

__all__ = ["database_url", "kafka", "postgres"]


class Writer:
    """The handler of these tests: writes notes, and fails for some of them as configured."""

    def __init__(self) -> None:
        self.poison: set[str] = set()
        self.later: set[str] = set()
        self.seconds = 0.0
        self.message = "cannot stand this one"

    async def __call__(self, tx: Transaction, event: Event[StringValue]) -> None:
        text = event.body.value
        if text in self.later:
            raise Unavailable("later")
        await tx.execute("INSERT INTO notes VALUES ($1)", text)
        await asyncio.sleep(self.seconds)
        if text in self.poison:
            raise ValueError(self.message)


@pytest.fixture
async def topic(kafka: Kafka) -> Topic:
    return await fresh_topic(kafka, "%s.dlq.notes")


@pytest.fixture
async def db(database_url: str, topic: Topic, kafka: Kafka) -> AsyncIterator[Database]:
    """The database with its relay at work."""
    db = await opened(database_url, topic)
    relay = Relay(db, kafka.bootstrap())
    await relay.open()
    yield db
    await relay.close()
    await db.close()


@pytest.fixture
def writer() -> Writer:
    return Writer()


def _consumers(db: Database, topic: Topic, kafka: Kafka, writer: Any) -> Consumers:
    subscriptions = [Subscription(topic.name, {StringValue: writer})]
    return Consumers("notes", subscriptions, bootstrap=kafka.bootstrap(), database=db)


async def _texts(db: Database) -> list[str]:
    return [row["text"] for row in await db.fetch("SELECT text FROM notes ORDER BY text")]


async def _wait_for(db: Database, expected: Sequence[str], seconds: float = 15) -> None:
    async def there() -> bool:
        result = await _texts(db)
        assert result == sorted(expected)
        return True

    await eventually(there, seconds=seconds)


async def test_what_is_emitted_is_handled_once(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    consumers = _consumers(db, topic, kafka, writer)
    await consumers.open()
    expected = [f"{number:04}" for number in range(700)]
    await note(db, *(Noted(text, text) for text in expected))
    await _wait_for(db, expected)
    await consumers.close()


async def test_a_restarted_consumer_goes_on_where_the_last_one_ended(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    for text in ("a", "b"):
        consumers = _consumers(db, topic, kafka, writer)
        await consumers.open()
        await note(db, Noted("key", text))
        await eventually(lambda text=text: _has(db, text))  # type: ignore[misc]
        await consumers.close()

    await _wait_for(db, ["a", "b"])
    assert await db.fetchval("SELECT count(*) FROM inbox") == 2


async def _has(db: Database, text: str) -> bool:
    return text in await _texts(db)


async def test_events_published_twice_have_one_effect(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    await note(db, Noted("key", "first"))
    consumers = _consumers(db, topic, kafka, writer)
    await consumers.open()
    await _wait_for(db, ["first"])
    # It may be consumed before it is marked.
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)
    await db.execute("UPDATE outbox SET published_at = NULL")  # as if the relay had died before it marked
    await note(db, Noted("key", "second"))
    await _wait_for(db, ["first", "second"])
    await consumers.close()

    assert texts(await records(kafka.bootstrap(), topic.name)).count("first") == 2


async def test_poison_becomes_a_dead_letter_and_can_be_replayed(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.poison.add("poison")
    consumers = _consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "before"), Noted("key", "poison"), Noted("key", "after"))
    await _wait_for(db, ["after", "before"], seconds=30)

    (letter,) = await records(kafka.bootstrap(), f"{topic.name}.dlq.notes")
    headers = {name: value.decode() for name, value in letter.headers}
    assert texts([letter]) == ["poison"]
    assert headers["dlq_error"] == "ValueError"
    assert headers["dlq_message"] == "cannot stand this one"
    assert (headers["dlq_topic"], headers["dlq_group"], headers["dlq_tries"]) == (topic.name, "notes", "5")

    (listed,) = await list_pending(kafka.bootstrap(), f"{topic.name}.dlq.notes")
    assert (listed.key, listed.error, listed.message, listed.tries) == (
        "key",
        "ValueError",
        "cannot stand this one",
        "5",
    )

    writer.poison.clear()
    assert await replay_pending(kafka.bootstrap(), f"{topic.name}.dlq.notes") == 1
    await _wait_for(db, ["after", "before", "poison"])
    assert await replay_pending(kafka.bootstrap(), f"{topic.name}.dlq.notes") == 0
    assert await list_pending(kafka.bootstrap(), f"{topic.name}.dlq.notes") == []
    await consumers.close()


async def test_a_dead_letter_stays_in_the_database_until_it_is_replayed_or_dropped(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.poison |= {"poison", "worse"}
    writer.message = "cannot\0stand this"
    consumers = _consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "poison"), Noted("key", "worse"), Noted("key", "after"))
    await _wait_for(db, ["after"], seconds=30)

    listed = await list_stored(db, "notes", topic.name)
    assert [(item.key, item.error, item.message, item.tries) for item in listed] == [
        ("key", "ValueError", "cannotstand this", "5")
    ] * 2
    await eventually(lambda: _waiting("notes", topic.name) == 2, seconds=30)

    writer.poison = {"worse"}
    publisher = Publisher(kafka.bootstrap(), "replay")
    assert await replay_stored(db, publisher, "notes", topic.name) == 2
    # The one whose cause is fixed has its effect now; the other comes back.
    await _wait_for(db, ["after", "poison"], seconds=30)
    await eventually(lambda: list_stored(db, "notes", topic.name), seconds=30)
    assert await drop_stored(db, "notes", topic.name) == 1
    assert await replay_stored(db, publisher, "notes", topic.name) == 0
    await eventually(lambda: _waiting("notes", topic.name) == 0, seconds=30)
    await publisher.close()
    await consumers.close()


async def test_a_dead_letter_is_not_lost_when_kafka_takes_no_replay(
    db: Database, topic: Topic, kafka: Kafka
) -> None:
    await db.execute(
        "INSERT INTO dead_letters (consumer, topic, partition, record_offset, header_names, header_values, type, error, message, tries) "
        "VALUES ('notes', $1, 0, 0, '{}', '{}', 't', 'e', 'm', 5)",
        topic.name,
    )
    publisher = Publisher("127.0.0.1:1", "replay")
    with pytest.raises(Unavailable):
        await replay_stored(db, publisher, "notes", topic.name)
    await publisher.close()
    assert len(await list_stored(db, "notes", topic.name)) == 1


async def test_a_group_without_a_database_passes_over_dropped_letters(topic: Topic, kafka: Kafka) -> None:
    name = f"{topic.name}.dlq.notes"
    headers = [
        (f"dlq_{item}", b"1")
        for item in ("topic", "partition", "offset", "error", "message", "tries", "time")
    ]
    publisher = Publisher(kafka.bootstrap(), "letters")
    assert await publisher.send([OutgoingRecord(name, b"key", b"", headers)]) == [True]
    await publisher.close()
    assert len(await list_pending(kafka.bootstrap(), name)) == 1
    assert await drop_pending(kafka.bootstrap(), name) == 1
    assert await list_pending(kafka.bootstrap(), name) == []
    assert await replay_pending(kafka.bootstrap(), name) == 0


def _waiting(group: str, topic: str) -> float:
    value: float = DEAD_LETTERS.labels(group, topic)._value.get()
    return value


async def test_what_passes_by_itself_is_tried_until_it_does(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.later.add("patience")
    consumers = _consumers(db, topic, kafka, writer)
    await consumers.open()
    keys = [f"key{number}" for number in range(20)]  # Enough that every partition gets some.
    await note(db, Noted("key", "patience"))
    await note(db, *(Noted(key, key) for key in keys))

    async def maximum() -> bool:
        return len(await _texts(db)) >= 10

    await eventually(maximum)  # the other partitions go on
    writer.later.clear()
    await _wait_for(db, ["patience", *keys])
    assert not await records(kafka.bootstrap(), f"{topic.name}.dlq.notes")
    await consumers.close()


async def test_a_rebalance_while_an_event_waits_for_its_retry_leaves_no_partition_behind(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.later.add("patience")
    consumers = _consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "patience"), Noted("other", "first"))
    await _wait_for(db, ["first"])

    guest = _consumers(db, topic, kafka, writer)
    await guest.open()
    await note(db, *(Noted(f"key{number}", f"key{number}") for number in range(20)))
    await guest.close()
    writer.later.clear()

    await _wait_for(db, ["first", "patience", *(f"key{number}" for number in range(20))], seconds=30)
    await consumers.close()


async def test_a_slow_chunk_does_not_cost_the_membership(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.seconds = 2.5
    consumers = _consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, *(Noted("key", f"slow {number}") for number in range(3)))
    await _wait_for(db, [f"slow {number}" for number in range(3)], seconds=25)
    writer.seconds = 0
    await note(db, Noted("key", "slow 3"))
    await _wait_for(db, [f"slow {number}" for number in range(4)])
    await consumers.close()

    assert await db.fetchval("SELECT count(*) FROM inbox") == 4


async def test_two_consumers_share_the_work_and_survive_each_other(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    first, second = (_consumers(db, topic, kafka, writer) for _ in range(2))
    await first.open()
    await second.open()
    expected = [f"{number:03}" for number in range(60)]
    for text in expected[:30]:
        await note(db, Noted(text, text))
    await first.close()
    for text in expected[30:]:
        await note(db, Noted(text, text))
    await _wait_for(db, expected, seconds=25)
    await second.close()


async def test_kafka_may_be_down_at_the_start_and_go_away_amid(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    consumers = _consumers(db, topic, kafka, writer)
    kafka.stop()
    await consumers.open()
    await note(db, Noted("key", "a"))
    await asyncio.to_thread(kafka.start)
    await _wait_for(db, ["a"], seconds=40)
    kafka.kill()
    await note(db, Noted("key", "b"))
    await asyncio.to_thread(kafka.start)
    await _wait_for(db, ["a", "b"], seconds=40)
    await consumers.close()


async def test_the_database_may_go_away_amid(
    topic: Topic, kafka: Kafka, writer: Writer, tmp_path: Path
) -> None:
    server = Postgres(tmp_path, durable=False)
    server.start()
    db = await opened(server.url(), topic)
    relay, consumers = Relay(db, kafka.bootstrap()), _consumers(db, topic, kafka, writer)
    await relay.open()
    await consumers.open()
    await note(db, Noted("key", "a"))
    await _wait_for(db, ["a"])
    await note(db, Noted("key", "b"))
    server.stop()
    await asyncio.to_thread(server.start)
    await note(db, Noted("key", "c"))
    await _wait_for(db, ["a", "b", "c"], seconds=25)
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

    consumers = _consumers(db, topic, kafka, slow)
    await consumers.open()
    await note(db, Noted("key", "last"))
    await asyncio.wait_for(started.wait(), 15)
    await consumers.close()

    assert await _texts(db) == ["last"]


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
