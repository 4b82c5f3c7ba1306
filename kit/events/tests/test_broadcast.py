"""Watching and replaying topics, on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import timedelta

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from kit.db import Database
from kit.events import Relay, Topic, TopicReplayer, TopicWatcher
from kit.events.tests.notes import Noted, fresh_topic, note, opened
from kit.testing import Kafka, eventually
from kit.testing.fixtures import database_url, kafka, postgres

__all__ = ["database_url", "kafka", "postgres"]


@pytest.fixture
async def topic(kafka: Kafka) -> Topic:
    return await fresh_topic(kafka)


@pytest.fixture
async def db(database_url: str, topic: Topic, kafka: Kafka) -> AsyncIterator[Database]:
    db = await opened(database_url, topic)
    relay = Relay(db, kafka.bootstrap())
    await relay.open()
    yield db
    await relay.close()
    await db.close()


async def test_every_watcher_reports_changes_from_now_on(db: Database, topic: Topic, kafka: Kafka) -> None:
    await note(db, Noted("old", "before anybody listened"))
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)
    received: list[list[Collection[str] | None]] = [[], []]
    tails = [TopicWatcher(topic.name, kafka.bootstrap(), item.append) for item in received]
    for tail in tails:
        await tail.open()
    await eventually(lambda: received == [[None], [None]], seconds=20)
    await note(db, Noted("a", "1"), Noted("b", "1"), Noted("a", "2"))

    def keys(item: list[Collection[str] | None]) -> set[str]:
        return {key for chunk in item if chunk is not None for key in chunk}

    await eventually(lambda: all(keys(item) == {"a", "b"} for item in received), seconds=20)
    for tail in tails:
        await tail.close()


async def test_a_watcher_without_its_topic_keeps_trying_until_it_is_closed(kafka: Kafka) -> None:
    received: list[Collection[str] | None] = []
    tail = TopicWatcher("souk.absent.v1", kafka.bootstrap(), received.append)
    await tail.open()
    await asyncio.sleep(0)
    await asyncio.wait_for(tail.close(), 15)
    assert received == []


async def followed(topic: Topic, kafka: Kafka, lookback: timedelta) -> tuple[TopicReplayer, list[str]]:
    received: list[str] = []
    follow = TopicReplayer(
        topic.name,
        kafka.bootstrap(),
        StringValue,
        lambda event: received.append(event.body.value),
        lookback=lookback,
    )
    await follow.open()
    assert await follow.caught_up(20)
    return follow, received


async def test_a_replayer_delivers_past_and_future_events(db: Database, topic: Topic, kafka: Kafka) -> None:
    await note(db, Noted("a", "1"), Noted("b", "2"))
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)

    follow, received = await followed(topic, kafka, timedelta(minutes=15))

    assert sorted(received) == ["1", "2"]
    await note(db, Noted("a", "3"))
    await eventually(lambda: received[2:] == ["3"], seconds=20)
    await follow.close()
    await note(db, Noted("a", "4"))
    await follow.open()
    await eventually(lambda: received[3:] == ["4"], seconds=20)
    await follow.close()


async def test_a_follow_leaves_out_what_is_older(db: Database, topic: Topic, kafka: Kafka) -> None:
    await note(db, Noted("a", "old"))
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)

    follow, received = await followed(topic, kafka, timedelta(seconds=-60))

    assert received == []
    await follow.close()


async def test_a_replayer_without_kafka_waits_no_longer_than_requested() -> None:
    follow = TopicReplayer("souk.absent.v1", "127.0.0.1:1", StringValue, print, lookback=timedelta(0))
    await follow.open()
    assert not await follow.caught_up(0.01)
    await asyncio.wait_for(follow.close(), 15)
