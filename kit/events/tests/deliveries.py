"""Deliveries of chunks to a real PostgreSQL, and a place for dead letters."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from kit.db import Database, Transaction
from kit.errors import Unavailable
from kit.events import Event, Subscription
from kit.events.delivery import MAX_ATTEMPTS, Delivery
from kit.events.envelope import to_record
from kit.events.subscriptions import AnySubscription, consumer_groups
from kit.events.tests.notes import opened
from kit.testing.fixtures import database_url, postgres
from kit.values import utc_now

__all__ = ["database_url", "postgres"]

TOPIC = "souk.note.v1"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    db = await opened(database_url)
    yield db
    await db.close()


class Graveyard:
    """Collects dead letters; refuses them while `closed`."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.closed = False

    async def bury(self, record: Any, error: Exception, tries: int) -> None:
        if self.closed:
            raise Unavailable("closed")
        self.texts.append(record.value)


@pytest.fixture
def graveyard() -> Graveyard:
    return Graveyard()


def make_record(
    text: str, offset: int = 0, partition: int = 0, id: UUID | None = None, message: Any = None
) -> Any:
    body = message or StringValue(value=text)
    row = {
        "topic": TOPIC,
        "event_id": id or uuid4(),
        "key": "note_1",
        "type": body.DESCRIPTOR.full_name,
        "time": utc_now(),
        "headers": '{"x-request-id": "request-7"}',
        "payload": body.SerializeToString(),
    }
    sent = to_record(row)
    return SimpleNamespace(
        topic=TOPIC, partition=partition, offset=offset, key=sent.key, value=sent.value, headers=sent.headers
    )


def make_delivery(db: Database | None, graveyard: Graveyard, subscription: AnySubscription) -> Delivery:
    return Delivery(consumer_groups("notes", [subscription])[0], db, graveyard.bury)


async def write_note(tx: Transaction, event: Event[StringValue]) -> None:
    """Writes the note; "poison" is refused for good, "later" for now."""
    if event.body.value == "later":
        raise Unavailable("later")
    await tx.execute("INSERT INTO notes VALUES ($1)", event.body.value)
    if event.body.value == "poison":
        raise KeyError("poison")


WRITES = Subscription(TOPIC, {StringValue: write_note})


async def written_notes(db: Database) -> list[str]:
    return [row["text"] for row in await db.fetch("SELECT text FROM notes ORDER BY ctid")]


async def until_done(
    delivery: Delivery, chunk: dict[int, list[Any]], maximum: int = MAX_ATTEMPTS
) -> dict[int, int]:
    """Polls as the consumer would: what is to be tried again is handed over again; answers the offsets reached."""
    reached: dict[int, int] = {}
    for _ in range(maximum):
        for partition, progress in (await delivery.handle(chunk)).items():
            reached[partition] = progress.offset
        chunk = {
            partition: left
            for partition, records in chunk.items()
            if (left := [record for record in records if record.offset >= reached[partition]])
        }
        if not chunk:
            break
    return reached
