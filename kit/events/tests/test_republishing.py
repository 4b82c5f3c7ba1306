"""Publishing an outbox again with a real PostgreSQL and Kafka: after Kafka lost its data, and after the database was restored."""

from kit.db import Database
from kit.events import Topic, discard_events, unmark_published
from kit.events.tests.notes import Noted, note, texts
from kit.events.tests.writing import Writer, db, note_consumers, topic, wait_for_notes, writer
from kit.testing import Kafka, eventually
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.records import records

__all__ = ["database_url", "db", "kafka", "postgres", "topic", "writer"]

_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


async def is_published(db: Database) -> bool:
    return bool(await db.fetchval(_UNPUBLISHED) == 0)


async def test_events_that_kafka_lost_are_published_again_in_order(
    db: Database, topic: Topic, kafka: Kafka
) -> None:
    await note(db, Noted("key", "first"), Noted("key", "second"))
    await eventually(lambda: is_published(db), seconds=30)
    discard_events(kafka.bootstrap(), [topic.name])
    assert await unmark_published(db) == 2
    await eventually(lambda: is_published(db), seconds=30)
    assert texts(await records(kafka.bootstrap(), topic.name)) == ["first", "second"]


async def test_what_a_group_has_handled_has_no_second_effect(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "handled"))
    await wait_for_notes(db, ["handled"], seconds=30)
    assert await unmark_published(db) == 1
    await note(db, Noted("key", "new"))
    await wait_for_notes(db, ["handled", "new"], seconds=30)
    await consumers.close()


async def test_events_that_a_restored_database_does_not_know_are_never_handled(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    await note(db, Noted("key", "known"), Noted("key", "lost"))
    await eventually(lambda: is_published(db), seconds=30)
    # What a restore to the moment between the two does.
    await db.execute("DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox)")
    discard_events(kafka.bootstrap(), [topic.name])
    assert await unmark_published(db) == 1
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "later"))
    await wait_for_notes(db, ["known", "later"], seconds=30)
    await consumers.close()
