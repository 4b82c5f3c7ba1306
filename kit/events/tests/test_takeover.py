"""A relay that is frozen or cut off while it leads: another takes over, and the first publishes nothing when it comes back."""

import asyncio
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kit.db import Database
from kit.events import Relay, Topic
from kit.events.metrics import OUTBOX_AGE
from kit.events.tests.notes import Noted, fresh_topic, note, opened, texts
from kit.testing import ChildProcess, Kafka, Postgres, eventually
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.proxy import proxy
from kit.testing.records import records

__all__ = ["database_url", "kafka", "postgres"]

TAKE_OVER_SECONDS = 30.0
_PATH = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
_SESSIONS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'souk-relay'
"""
_LOCKED = """
SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


@pytest.fixture
async def topic(kafka: Kafka) -> Topic:
    return await fresh_topic(kafka)


@pytest.fixture
async def db(database_url: str, topic: Topic) -> AsyncIterator[Database]:
    db = await opened(database_url, topic)
    yield db
    await db.close()


class Writer:
    """Emits numbered events of a few keys, and knows how many."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.count = 0

    async def write(self, count: int) -> None:
        numbers = range(self.count, self.count + count)
        await note(self._db, *(Noted(f"key{number % 7}", f"{number:06}") for number in numbers))
        self.count += count

    async def published(self) -> bool:
        return not await self._db.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL")


def _ids(result: Sequence[Any]) -> list[bytes]:
    return [dict(record.headers)["ce_id"] for record in result]


def _in_order(result: Sequence[Any], count: int) -> None:
    """Each key's events are there in order; a repeat comes before anything that it could overtake."""
    latest: dict[bytes, str] = defaultdict(str)
    repeats = 0
    for record, text in zip(result, texts(result), strict=True):
        if text <= latest[record.key]:
            repeats += 1
            continue
        latest[record.key] = text
    assert len(set(texts(result))) == count
    assert len(result) - repeats == count


def _age() -> float:
    return next(sample.value for family in OUTBOX_AGE.collect() for sample in family.samples)


async def _is(db: Database, sql: str, count: int) -> bool:
    return bool(await db.fetchval(sql) == count)


async def test_a_frozen_leader_is_followed_by_another_and_publishes_nothing_when_it_wakes(
    db: Database, topic: Topic, kafka: Kafka, tmp_path: Path
) -> None:
    script = Path(__file__).with_name("relaying.py")
    first = ChildProcess(
        "first",
        [sys.executable, str(script), db.url, kafka.bootstrap()],
        log=tmp_path / "first.log",
        env={"PYTHONPATH": _PATH},
    )
    writer, second = Writer(db), Relay(db, kafka.bootstrap())
    try:
        await eventually(lambda: _is(db, _LOCKED, 1), seconds=30)
        await second.open()
        await eventually(lambda: _is(db, _SESSIONS, 2))
        await writer.write(6000)
        # Amid its work.
        await eventually(lambda: records(kafka.bootstrap(), topic.name), seconds=20)
        os.kill(first.pid, signal.SIGSTOP)
        frozen = time.monotonic()
        await writer.write(500)
        await eventually(lambda: _age() > 0)
        await eventually(writer.published, seconds=TAKE_OVER_SECONDS)
        assert time.monotonic() - frozen < TAKE_OVER_SECONDS
        before = await records(kafka.bootstrap(), topic.name)
        _in_order(before, writer.count)

        os.kill(first.pid, signal.SIGCONT)
        await eventually(lambda: _is(db, _SESSIONS, 2))
        await writer.write(100)
        await eventually(writer.published)
        after = await records(kafka.bootstrap(), topic.name)
        _in_order(after, writer.count)
        assert len(after) == len(before) + 100
    finally:
        first.kill()
        await second.close()


async def test_a_leader_whose_connection_is_cut_is_followed_by_another(
    db: Database, topic: Topic, kafka: Kafka, postgres: Postgres
) -> None:
    async with proxy(postgres.port) as wire:
        far = Database(db.url.replace(f":{postgres.port}/", f":{wire.port}/"))
        await far.open()
        writer = Writer(db)
        first, second = Relay(far, kafka.bootstrap()), Relay(db, kafka.bootstrap())
        await first.open()
        await eventually(lambda: _is(db, _LOCKED, 1))
        await second.open()
        await eventually(lambda: _is(db, _SESSIONS, 2))
        await writer.write(3000)
        await eventually(lambda: records(kafka.bootstrap(), topic.name), seconds=20)
        wire.cut()
        await writer.write(500)
        await eventually(writer.published, seconds=TAKE_OVER_SECONDS)
        before = await records(kafka.bootstrap(), topic.name)
        _in_order(before, writer.count)

        wire.restore()
        await eventually(lambda: _is(db, _SESSIONS, 2), seconds=20)
        await writer.write(100)
        await eventually(writer.published)
        after = await records(kafka.bootstrap(), topic.name)
        _in_order(after, writer.count)
        assert len(after) == len(before) + 100
        await asyncio.gather(first.close(), second.close())
        await far.close()
