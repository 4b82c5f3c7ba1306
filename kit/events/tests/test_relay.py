"""The relay between a real PostgreSQL and a real Kafka."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.db import Database, DatabaseUnavailable
from kit.db.exclusive_lock import exclusive_session
from kit.events import Relay, Topic
from kit.events.metrics import OUTBOX_AGE
from kit.events.relay import _LOCK, BATCH
from kit.events.tests.notes import Noted, fresh_topic, note, opened, texts
from kit.testing import Kafka, Postgres, eventually
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.records import records

__all__ = ["database_url", "kafka", "postgres"]


@pytest.fixture
async def topic(kafka: Kafka) -> Topic:
    return await fresh_topic(kafka)


@pytest.fixture
async def db(database_url: str, topic: Topic) -> AsyncIterator[Database]:
    db = await opened(database_url, topic)
    yield db
    await db.close()


async def _published(db: Database, count: int) -> bool:
    return bool(
        await db.fetchval("SELECT count(*) FILTER (WHERE published_at IS NOT NULL) = $1 FROM outbox", count)
    )


async def test_what_commits_is_published_and_what_rolls_back_is_not(
    db: Database, topic: Topic, kafka: Kafka
) -> None:
    relay = Relay(db, kafka.bootstrap())
    await relay.open()
    await note(db, Noted("a", "kept"))
    with pytest.raises(KeyError):
        async with db.transaction() as tx:
            await tx.emit(Noted("a", "undone"))
            raise KeyError
    await eventually(lambda: _published(db, 1))
    await relay.close()

    (record,) = await records(kafka.bootstrap(), topic.name)
    assert texts([record]) == ["kept"]
    assert (record.key, dict(record.headers)["ce_type"]) == (b"a", b"google.protobuf.StringValue")


async def test_events_of_a_key_arrive_in_order(db: Database, topic: Topic, kafka: Kafka) -> None:
    count = BATCH * 3 + 7
    await note(db, *(Noted(f"key{number % 17}", f"{number:05}") for number in range(count)))
    relay = Relay(db, kafka.bootstrap())
    await relay.open()
    await eventually(lambda: _published(db, count), seconds=20)
    await relay.close()

    by_key = defaultdict(list)
    result = await records(kafka.bootstrap(), topic.name)
    for record, text in zip(result, texts(result), strict=True):
        by_key[record.key].append(text)
    assert sum(map(len, by_key.values())) == count
    assert all(values == sorted(values) for values in by_key.values())


async def test_a_crash_between_sending_and_marking_publishes_again(
    db: Database, topic: Topic, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    await note(db, Noted("a", "twice"))
    # As after kill -9 between the two: the acknowledgement was there, the mark was not.
    await db.execute("CREATE RULE forget AS ON UPDATE TO outbox DO INSTEAD NOTHING")
    first = Relay(db, kafka.bootstrap())
    await first.open()

    async def arrived() -> bool:
        return len(await records(kafka.bootstrap(), topic.name)) >= 1

    await eventually(arrived)
    await first.close()
    await db.execute("DROP RULE forget ON outbox")
    second = Relay(db, kafka.bootstrap())
    await second.open()
    await eventually(lambda: _published(db, 1))
    await second.close()

    result = await records(kafka.bootstrap(), topic.name)
    assert len(result) >= 2
    assert len({dict(record.headers)["ce_id"] for record in result}) == 1


async def test_of_two_relays_one_works_and_the_other_takes_over(
    db: Database, topic: Topic, kafka: Kafka
) -> None:
    first, second = Relay(db, kafka.bootstrap()), Relay(db, kafka.bootstrap())
    await first.open()
    await eventually(lambda: _leaders(db, 1))
    await second.open()
    for number in range(20):
        await note(db, Noted("a", f"{number:02}"))
    await eventually(lambda: _published(db, 20))
    assert await _leaders(db, 1)
    await first.close()
    await note(db, Noted("a", "20"))
    await eventually(lambda: _published(db, 21))
    await second.close()

    assert texts(await records(kafka.bootstrap(), topic.name)) == [f"{number:02}" for number in range(21)]


async def test_a_relay_that_waits_wakes_the_active_one(
    db: Database, database_url: str, topic: Topic, kafka: Kafka
) -> None:
    """Each event but the first would wait 2 s until the active relay looks by itself."""
    replica = await opened(database_url, topic)
    active, waiting = Relay(db, kafka.bootstrap()), Relay(replica, kafka.bootstrap())
    await active.open()
    await eventually(lambda: _leaders(db, 1))
    await waiting.open()
    await note(replica, Noted("a", "00"))
    await eventually(lambda: _published(db, 1))

    started = time.monotonic()
    for number in range(1, 11):
        await eventually(lambda: bool(active._wake._waiters))
        await note(replica, Noted("a", f"{number:02}"))
        await eventually(lambda number=number: _published(db, number + 1))  # type: ignore[misc]
    assert time.monotonic() - started < 10
    await waiting.close()
    await active.close()
    await replica.close()


async def test_a_relay_that_waits_measures_the_outbox_too_and_a_closed_one_says_nothing(
    db: Database, kafka: Kafka
) -> None:
    await note(db, Noted("a", "kept back"))
    await db.execute("UPDATE outbox SET time = now() - interval '5 minutes'")
    async with exclusive_session(db.url, "stuck", _LOCK) as stuck:
        assert await stuck.acquire()
        relay = Relay(db, kafka.bootstrap())
        await relay.open()
        await eventually(lambda: _age() > 290, seconds=20)
        await relay.close()
    assert _age() == 0


def _age() -> float:
    return next(sample.value for family in OUTBOX_AGE.collect() for sample in family.samples)


async def _leaders(db: Database, count: int) -> bool:
    sql = (
        "SELECT count(*) = $1 FROM pg_locks JOIN pg_database d ON d.oid = database "
        "WHERE locktype = 'advisory' AND granted AND datname = current_database()"
    )
    return bool(await db.fetchval(sql, count))


async def test_with_kafka_down_events_are_stored_and_published_in_order_afterwards(
    db: Database, topic: Topic, kafka: Kafka
) -> None:
    relay = Relay(db, kafka.bootstrap())
    await relay.open()
    await note(db, Noted("a", "0"))
    await eventually(lambda: _published(db, 1))
    kafka.stop()
    try:
        for number in range(1, 6):
            await asyncio.wait_for(note(db, Noted("a", str(number))), 1)
    finally:
        await asyncio.to_thread(kafka.start)
    await eventually(lambda: _published(db, 6), seconds=40)
    await relay.close()

    assert list(dict.fromkeys(texts(await records(kafka.bootstrap(), topic.name)))) == [
        str(number) for number in range(6)
    ]


async def test_the_relay_survives_a_restart_of_the_database(
    topic: Topic, kafka: Kafka, tmp_path: Path
) -> None:
    server = Postgres(tmp_path, durable=False)
    server.start()
    db = await opened(server.url(), topic)
    relay = Relay(db, kafka.bootstrap())
    await relay.open()
    await eventually(lambda: _leaders(db, 1))
    server.stop()
    with pytest.raises(DatabaseUnavailable):
        await note(db, Noted("a", "concurrent"))
    await asyncio.to_thread(server.start)
    await note(db, Noted("a", "after"))
    await eventually(lambda: _published(db, 1))
    await relay.close()
    await db.close()
    server.stop()

    assert texts(await records(kafka.bootstrap(), topic.name)) == ["after"]


async def test_closing_publishes_what_was_just_emitted(db: Database, topic: Topic, kafka: Kafka) -> None:
    relay = Relay(db, kafka.bootstrap())
    await relay.open()
    await eventually(lambda: _leaders(db, 1))
    await note(db, Noted("a", "last words"))
    await relay.close()

    assert texts(await records(kafka.bootstrap(), topic.name)) == ["last words"]
