"""Consumers that write notes to a real PostgreSQL, with a relay and Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from kit.db import Database, Transaction
from kit.errors import Unavailable
from kit.events import (
    Consumers,
    Event,
    Relay,
    Subscription,
    Topic,
)
from kit.events.metrics import DEAD_LETTERS
from kit.events.tests.notes import fresh_topic, opened
from kit.testing import Kafka, eventually
from kit.testing.fixtures import database_url, kafka, postgres

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


def note_consumers(db: Database, topic: Topic, kafka: Kafka, writer: Any) -> Consumers:
    subscriptions = [Subscription(topic.name, {StringValue: writer})]
    return Consumers("notes", subscriptions, bootstrap=kafka.bootstrap(), database=db)


async def sorted_notes(db: Database) -> list[str]:
    return [row["text"] for row in await db.fetch("SELECT text FROM notes ORDER BY text")]


async def wait_for_notes(db: Database, expected: Sequence[str], seconds: float = 15) -> None:
    async def there() -> bool:
        result = await sorted_notes(db)
        assert result == sorted(expected)
        return True

    await eventually(there, seconds=seconds)


def waiting_dead_letters(group: str, topic: str) -> float:
    value: float = DEAD_LETTERS.labels(group, topic)._value.get()
    return value
