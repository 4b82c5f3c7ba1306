"""Retention against a real PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from kit.db import Database, Migrations
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from kit.testing.rival import rival
from kit.work import Retention

__all__ = ["database_url", "postgres"]

_DAYS = timedelta(days=30)
_INBOX_ROWS = """
INSERT INTO inbox SELECT 'x', gen_random_uuid(), now() - $1 * interval '1 day' - n * interval '1 second'
FROM generate_series(1, $2) n
"""


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await Migrations("kit.db").apply(database_url)
    db = Database(database_url)
    await db.open()
    yield db
    await db.close()


async def _count(db: Database) -> int:
    result: int = await db.fetchval("SELECT count(*) FROM inbox")
    return result


async def test_what_is_older_than_it_is_kept_goes_in_batches_and_the_rest_stays(db: Database) -> None:
    await db.execute(_INBOX_ROWS, 31, 25)
    await db.execute(_INBOX_ROWS, 29, 5)

    assert await Retention(db, "inbox", "received_at", _DAYS, batch_size=10).prune() == 25
    assert await _count(db) == 5


async def test_a_condition_keeps_rows(db: Database) -> None:
    await db.execute(_INBOX_ROWS, 31, 4)
    await db.execute("UPDATE inbox SET consumer = 'kept' WHERE ctid IN (SELECT ctid FROM inbox LIMIT 1)")

    assert await Retention(db, "inbox", "received_at", _DAYS, condition="consumer = 'x'").prune() == 3
    assert await _count(db) == 1


async def test_rows_may_be_reduced_instead_of_deleted(db: Database) -> None:
    await db.execute(_INBOX_ROWS, 31, 25)
    condition = "consumer <> ''"
    job = Retention(
        db,
        "inbox",
        "received_at",
        _DAYS,
        condition=condition,
        update="consumer = ''",
        name="inbox.names",
        batch_size=10,
    )

    assert await job.prune() == 25
    assert await job.prune() == 0
    assert job.name == "retention.inbox.names"
    assert await db.fetchval("SELECT count(*) FROM inbox WHERE consumer = ''") == 25


async def test_locked_rows_are_left_for_the_next_run(db: Database) -> None:
    await db.execute(_INBOX_ROWS, 31, 3)
    retention = Retention(db, "inbox", "received_at", _DAYS)
    async with rival(db.url) as other:
        await other.hold("SELECT FROM inbox ORDER BY received_at LIMIT 1 FOR UPDATE")
        assert await retention.prune() == 2
    assert await retention.prune() == 1


async def test_replicas_share_the_work(db: Database) -> None:
    await db.execute(_INBOX_ROWS, 31, 2000)
    jobs = [Retention(db, "inbox", "received_at", _DAYS, batch_size=50) for _ in range(2)]

    assert sum(await asyncio.gather(*(job.prune() for job in jobs))) == 2000


async def test_it_is_a_job(db: Database) -> None:
    await db.execute(_INBOX_ROWS, 31, 3)
    job = Retention(db, "inbox", "received_at", _DAYS, interval_seconds=0.01)
    await job.open()

    async def pruned() -> bool:
        return not await _count(db)

    await eventually(pruned)
    await job.close()


async def test_after_sixty_days_of_reused_pages_a_batch_reads_little_more_than_it_deletes(
    db: Database,
) -> None:
    await db.execute("ALTER TABLE inbox SET (autovacuum_enabled = off)")
    retention = Retention(db, "inbox", "received_at", _DAYS, batch_size=500)
    for day in range(60, -1, -1):
        await db.execute(_INBOX_ROWS, day, 1000)
        # The age counts from the simulated day.
        await db.execute("DELETE FROM inbox WHERE received_at < now() - $1 * interval '1 day'", day + 31)
        await db.execute("VACUUM inbox")
    await db.execute("ANALYZE inbox")
    assert await _count(db) > 30_000

    plan = await _explained(db, retention)
    assert max(node.get("Rows Removed by Index Recheck", 0) for node in plan) == 0
    assert max(node.get("Rows Removed by Filter", 0) for node in plan) == 0
    assert max(node["Actual Rows"] for node in plan) <= 500


async def _explained(db: Database, retention: Retention) -> list[dict[str, Any]]:
    text = await db.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {retention._statement}", timedelta(days=29))
    nodes = [json.loads(text)[0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
    return nodes
