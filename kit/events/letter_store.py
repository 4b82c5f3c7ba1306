"""Dead letters of the groups that have a database: the table `dead_letters`, until an operator replays or drops them."""

from __future__ import annotations

from typing import Any

from kit.db import Database, Record
from kit.errors import Unavailable
from kit.events.envelope import Outgoing, event_type
from kit.events.letters import DeadLetter
from kit.events.publisher import Publisher
from kit.values import rfc3339

_BATCH = 100
_KEEP = """
INSERT INTO dead_letters
    (consumer, topic, partition, record_offset, key, value, header_names, header_values, type, error, message, tries)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (consumer, topic, partition, record_offset) DO UPDATE SET tries = dead_letters.tries + EXCLUDED.tries,
    error = EXCLUDED.error, message = EXCLUDED.message
"""
_LIST = "SELECT * FROM dead_letters WHERE consumer = $1 AND topic = $2 ORDER BY id"
_TAKE = """
SELECT * FROM dead_letters WHERE consumer = $1 AND topic = $2 AND id <= $3 ORDER BY id LIMIT $4 FOR UPDATE
"""
_LAST = "SELECT max(id) FROM dead_letters WHERE consumer = $1 AND topic = $2"
_DROP = "DELETE FROM dead_letters WHERE id = ANY($1::bigint[])"
_DROP_ALL = "DELETE FROM dead_letters WHERE consumer = $1 AND topic = $2"
_COUNT = "SELECT consumer, topic, count(*) AS count FROM dead_letters GROUP BY consumer, topic"


async def keep(
    database: Database, group: str, record: Any, error: Exception, message: str, tries: int
) -> None:
    """Keeps a record; one that is kept already is not kept twice. Raises Unavailable."""
    await database.execute(
        _KEEP,
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


async def counts(database: Database) -> dict[tuple[str, str], int]:
    """How many letters wait, by group and topic."""
    return {(row["consumer"], row["topic"]): row["count"] for row in await database.fetch(_COUNT)}


async def kept(database: Database, group: str, topic: str) -> list[DeadLetter]:
    """The letters that wait, oldest first."""
    return [_letter(row) for row in await database.fetch(_LIST, group, topic)]


async def replay_kept(database: Database, publisher: Publisher, group: str, topic: str) -> int:
    """Puts what waits now back onto its topic, and keeps it no longer; answers how many. Raises Unavailable without Kafka.

    When it ends amid its work, a letter may be published again the next time.
    """
    last = await database.fetchval(_LAST, group, topic)
    total = 0
    while last is not None:
        async with database.transaction() as tx:
            rows = await tx.fetch(_TAKE, group, topic, last, _BATCH)
            # Published inside the transaction, which only locks these rows: what was not published stays.
            if not all(await publisher.send([_revived(row) for row in rows])):
                raise Unavailable("Kafka is unavailable", reason="KAFKA_UNAVAILABLE")
            await tx.execute(_DROP, [row["id"] for row in rows])
        total += len(rows)
        if len(rows) < _BATCH:
            break
    return total


async def drop_kept(database: Database, group: str, topic: str) -> int:
    """Keeps what waits no longer; answers how many."""
    status = await database.execute(_DROP_ALL, group, topic)
    return int(status.removeprefix("DELETE "))


def _letter(row: Record) -> DeadLetter:
    return DeadLetter(
        record=f"{row['topic']}/{row['partition']}@{row['record_offset']}",
        type=row["type"],
        key=bytes(row["key"] or b"").decode(errors="replace"),
        error=row["error"],
        message=row["message"],
        tries=str(row["tries"]),
        time=rfc3339(row["create_time"]),
    )


def _revived(row: Record) -> Outgoing:
    headers = [
        (name, bytes(value)) for name, value in zip(row["header_names"], row["header_values"], strict=True)
    ]
    return Outgoing(row["topic"], row["key"], row["value"], headers)
