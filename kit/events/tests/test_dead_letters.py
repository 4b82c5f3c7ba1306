"""Dead letters of consumers, in Kafka and in a real PostgreSQL."""

import pytest

from kit.db import Database
from kit.errors import Unavailable
from kit.events import (
    Publisher,
    Topic,
    drop_pending,
    drop_stored,
    list_pending,
    list_stored,
    replay_pending,
    replay_stored,
)
from kit.events.envelope import OutgoingRecord
from kit.events.tests.notes import Noted, note, texts
from kit.events.tests.writing import (
    Writer,
    db,
    note_consumers,
    topic,
    wait_for_notes,
    waiting_dead_letters,
    writer,
)
from kit.testing import Kafka, eventually
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.records import records

__all__ = ["database_url", "db", "kafka", "postgres", "topic", "writer"]


async def test_poison_becomes_a_dead_letter_and_can_be_replayed(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.poison.add("poison")
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "before"), Noted("key", "poison"), Noted("key", "after"))
    await wait_for_notes(db, ["after", "before"], seconds=30)

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
    await wait_for_notes(db, ["after", "before", "poison"])
    assert await replay_pending(kafka.bootstrap(), f"{topic.name}.dlq.notes") == 0
    assert await list_pending(kafka.bootstrap(), f"{topic.name}.dlq.notes") == []
    await consumers.close()


async def test_a_dead_letter_stays_in_the_database_until_it_is_replayed_or_dropped(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    writer.poison |= {"poison", "worse"}
    writer.message = "cannot\0stand this"
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await note(db, Noted("key", "poison"), Noted("key", "worse"), Noted("key", "after"))
    await wait_for_notes(db, ["after"], seconds=30)

    listed = await list_stored(db, "notes", topic.name)
    assert [(item.key, item.error, item.message, item.tries) for item in listed] == [
        ("key", "ValueError", "cannotstand this", "5")
    ] * 2
    await eventually(lambda: waiting_dead_letters("notes", topic.name) == 2, seconds=30)

    writer.poison = {"worse"}
    publisher = Publisher(kafka.bootstrap(), "replay")
    assert await replay_stored(db, publisher, "notes", topic.name) == 2
    # The one whose cause is fixed has its effect now; the other comes back.
    await wait_for_notes(db, ["after", "poison"], seconds=30)
    await eventually(lambda: list_stored(db, "notes", topic.name), seconds=30)
    assert await drop_stored(db, "notes", topic.name) == 1
    assert await replay_stored(db, publisher, "notes", topic.name) == 0
    await eventually(lambda: waiting_dead_letters("notes", topic.name) == 0, seconds=30)
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
