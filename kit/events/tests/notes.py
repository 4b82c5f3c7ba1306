"""Shared by the tests of relay and consumers: an event, its topic, and reading a topic."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from google.protobuf.wrappers_pb2 import StringValue

from kit.db import Database, Migrations
from kit.events import Topic, ensure_topics
from kit.testing import Kafka


@dataclass(frozen=True)
class Noted:
    """An event of the aggregate `key`."""

    key: str
    text: str


async def fresh_topic(kafka: Kafka, *others: str) -> Topic:
    """A topic of its own for a test, made together with what `others` derive from its name by `%s`."""
    name = f"souk.note{uuid4().hex[:8]}.v1"
    names = [name, *(other % name for other in others)]
    await asyncio.to_thread(ensure_topics, kafka.bootstrap(), names)
    return Topic(name, {Noted: lambda event: (event.key, StringValue(value=event.text))})


async def opened(url: str, topic: Topic | None = None) -> Database:
    """An open database with the outbox, the inbox and a table `notes`."""
    await Migrations("kit.db").apply(url)
    db = Database(url, publishes=topic)
    await db.open()
    await db.execute("CREATE TABLE IF NOT EXISTS notes (text text NOT NULL)")
    return db


async def note(db: Database, *events: Noted) -> None:
    """Emits events in one transaction."""
    async with db.transaction() as tx:
        await tx.emit(*events)


def texts(result: Sequence[Any]) -> list[str]:
    """The bodies of records."""
    return [StringValue.FromString(record.value).value for record in result]
