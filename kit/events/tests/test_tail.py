"""Hearing of changes as they happen, on a real Kafka."""

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


async def test_every_tail_hears_of_what_changes_from_now_on(db: Database, topic: Topic, kafka: Kafka) -> None:
    await note(db, Noted("old", "before anybody listened"))
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)
    heard: list[list[Collection[str] | None]] = [[], []]
    tails = [TopicWatcher(topic.name, kafka.bootstrap(), each.append) for each in heard]
    for tail in tails:
        await tail.open()
    await eventually(lambda: heard == [[None], [None]], seconds=20)
    await note(db, Noted("a", "1"), Noted("b", "1"), Noted("a", "2"))

    def keys(each: list[Collection[str] | None]) -> set[str]:
        return {key for chunk in each if chunk is not None for key in chunk}

    await eventually(lambda: all(keys(each) == {"a", "b"} for each in heard), seconds=20)
    for tail in tails:
        await tail.close()


async def test_a_tail_that_finds_no_topic_goes_on_looking_and_ends_when_told(kafka: Kafka) -> None:
    heard: list[Collection[str] | None] = []
    tail = TopicWatcher("souk.nobody.v1", kafka.bootstrap(), heard.append)
    await tail.open()
    await asyncio.sleep(0)
    await asyncio.wait_for(tail.close(), 15)
    assert heard == []


async def followed(topic: Topic, kafka: Kafka, lookback: timedelta) -> tuple[TopicReplayer, list[str]]:
    heard: list[str] = []
    follow = TopicReplayer(
        topic.name,
        kafka.bootstrap(),
        StringValue,
        lambda event: heard.append(event.body.value),
        lookback=lookback,
    )
    await follow.open()
    assert await follow.caught_up(20)
    return follow, heard


async def test_a_follow_hears_what_was_told_a_while_ago_and_what_comes(
    db: Database, topic: Topic, kafka: Kafka
) -> None:
    await note(db, Noted("a", "1"), Noted("b", "2"))
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)

    follow, heard = await followed(topic, kafka, timedelta(minutes=15))

    assert sorted(heard) == ["1", "2"]
    await note(db, Noted("a", "3"))
    await eventually(lambda: heard[2:] == ["3"], seconds=20)
    await follow.close()
    await note(db, Noted("a", "4"))
    await follow.open()
    await eventually(lambda: heard[3:] == ["4"], seconds=20)
    await follow.close()


async def test_a_follow_leaves_out_what_is_older(db: Database, topic: Topic, kafka: Kafka) -> None:
    await note(db, Noted("a", "old"))
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)

    follow, heard = await followed(topic, kafka, timedelta(seconds=-60))

    assert heard == []
    await follow.close()


async def test_a_follow_that_finds_no_kafka_says_so_and_waits_no_longer_than_told() -> None:
    follow = TopicReplayer("souk.nobody.v1", "127.0.0.1:1", StringValue, print, lookback=timedelta(0))
    await follow.open()
    assert not await follow.caught_up(0.01)
    await asyncio.wait_for(follow.close(), 15)
