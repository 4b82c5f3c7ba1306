"""Dead letters of groups with a database, in the table `dead_letters` until an operator replays or drops them."""

from __future__ import annotations

from typing import Any

from kit.db import Database, Record
from kit.errors import Unavailable
from kit.events.dead_letter import DeadLetter
from kit.events.envelope import OutgoingRecord, event_type
from kit.events.publisher import Publisher
from kit.values import rfc3339

_BATCH = 100
_STORE = """
INSERT INTO dead_letters
    (consumer, topic, partition, record_offset, key, value, header_names, header_values, type, error, message, tries)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (consumer, topic, partition, record_offset) DO UPDATE SET tries = dead_letters.tries + EXCLUDED.tries,
    error = EXCLUDED.error, message = EXCLUDED.message
"""
_LIST = "SELECT * FROM dead_letters WHERE consumer = $1 AND topic = $2 ORDER BY id"
_SELECT_BATCH = """
SELECT * FROM dead_letters WHERE consumer = $1 AND topic = $2 AND id <= $3 ORDER BY id LIMIT $4 FOR UPDATE
"""
_MAX_ID = "SELECT max(id) FROM dead_letters WHERE consumer = $1 AND topic = $2"
_DELETE = "DELETE FROM dead_letters WHERE id = ANY($1::bigint[])"
_DELETE_ALL = "DELETE FROM dead_letters WHERE consumer = $1 AND topic = $2"
_COUNT = "SELECT consumer, topic, count(*) AS count FROM dead_letters GROUP BY consumer, topic"


async def store(
    database: Database, group: str, record: Any, error: Exception, message: str, tries: int
) -> None:
    """Stores a record; one that is already stored is updated. Raises Unavailable."""
    await database.execute(
        _STORE,
        group,
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        [name for name, _ in record.headers],
        [value for _, value in record.headers],
        event_type(record.headers),
        type(error).__name__,
        message,
        tries,
    )


async def count_pending(database: Database) -> dict[tuple[str, str], int]:
    """The number of dead letters by group and topic."""
    return {(row["consumer"], row["topic"]): row["count"] for row in await database.fetch(_COUNT)}


async def list_stored(database: Database, group: str, topic: str) -> list[DeadLetter]:
    """The stored dead letters, oldest first."""
    return [_to_dead_letter(row) for row in await database.fetch(_LIST, group, topic)]


async def replay_stored(database: Database, publisher: Publisher, group: str, topic: str) -> int:
    """Publishes the stored dead letters to their original topic and deletes them; returns their number. Raises Unavailable without Kafka.

    If it is interrupted, a dead letter may be published again the next time.
    """
    last = await database.fetchval(_MAX_ID, group, topic)
    total = 0
    while last is not None:
        async with database.transaction() as tx:
            rows = await tx.fetch(_SELECT_BATCH, group, topic, last, _BATCH)
            # Published inside the transaction, which only locks these rows, so that unpublished ones stay.
            if not all(await publisher.send([_to_original_record(row) for row in rows])):
                raise Unavailable("Kafka is unavailable", reason="KAFKA_UNAVAILABLE")
            await tx.execute(_DELETE, [row["id"] for row in rows])
        total += len(rows)
        if len(rows) < _BATCH:
            break
    return total


async def drop_stored(database: Database, group: str, topic: str) -> int:
    """Deletes the stored dead letters; returns their number."""
    status = await database.execute(_DELETE_ALL, group, topic)
    return int(status.removeprefix("DELETE "))


def _to_dead_letter(row: Record) -> DeadLetter:
    return DeadLetter(
        record=f"{row['topic']}/{row['partition']}@{row['record_offset']}",
        type=row["type"],
        key=bytes(row["key"] or b"").decode(errors="replace"),
        error=row["error"],
        message=row["message"],
        tries=str(row["tries"]),
        time=rfc3339(row["create_time"]),
    )


def _to_original_record(row: Record) -> OutgoingRecord:
    headers = [
        (name, bytes(value)) for name, value in zip(row["header_names"], row["header_values"], strict=True)
    ]
    return OutgoingRecord(row["topic"], row["key"], row["value"], headers)
