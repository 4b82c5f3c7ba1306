"""What PostgreSQL undid because of concurrent work is run again, against a real server."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from kit.db import Database, DatabaseContention, retry_on_contention
from kit.db.metrics import CONTENTION
from kit.db.session import connect
from kit.errors import Internal, Unavailable
from kit.errors.transport import graphql_code
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from kit.testing.rival import rival
from kit.values.deadline import deadline

__all__ = ["database_url", "postgres"]

_BUMP = "UPDATE things SET size = size + 1 WHERE name = $1"
_BUMP_BOTH = """
WITH locked AS (SELECT id FROM things ORDER BY name FOR UPDATE)
UPDATE things SET size = size + 1 FROM locked WHERE things.id = locked.id
"""
_TAKE = "UPDATE things SET size = size + 10 WHERE name = $1 AND EXISTS (SELECT FROM things WHERE name = $1 FOR UPDATE NOWAIT)"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url)
    await db.open()
    await db.execute(
        "CREATE TABLE things (id uuid PRIMARY KEY, name text UNIQUE NOT NULL, size int NOT NULL)"
    )
    await db.executemany("INSERT INTO things VALUES ($1, $2, 0)", [(uuid4(), "a"), (uuid4(), "b")])
    yield db
    await db.close()


async def _sizes(db: Database) -> list[int]:
    return [row["size"] for row in await db.fetch("SELECT size FROM things ORDER BY name")]


def _counted(outcome: str) -> float:
    value: float = CONTENTION.labels(outcome)._value.get()
    return value


async def test_a_statement_that_a_deadlock_undid_runs_again(db: Database) -> None:
    before = _counted("retried")
    async with rival(db.url) as other:
        await other.hold(_BUMP, "b")
        await asyncio.gather(db.execute(_BUMP_BOTH), other.deadlock(_BUMP, "a"))
    assert await _sizes(db) == [1, 1]
    assert _counted("retried") == before + 1


async def test_a_transaction_that_a_deadlock_undid_runs_again_from_its_start(db: Database) -> None:
    starts: list[int] = []

    @retry_on_contention
    async def both() -> None:
        async with db.transaction() as tx:
            starts.append(1)
            await tx.execute(_BUMP, "a")
            await tx.execute(_BUMP, "b")

    async with rival(db.url) as other:
        await other.hold(_BUMP, "b")
        await asyncio.gather(both(), other.deadlock(_BUMP, "a"))
    assert await _sizes(db) == [1, 1]
    assert len(starts) == 2


async def test_a_serialization_failure_is_run_again(db: Database) -> None:
    raced = asyncio.Event()

    @retry_on_contention
    async def bump() -> None:
        async with db.transaction() as tx:
            await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await tx.fetchval("SELECT size FROM things WHERE name = 'a'")
            if not raced.is_set():
                raced.set()
                async with rival(db.url) as other:
                    await other.hold(_BUMP, "a")
                    await other.hold("COMMIT")
            await tx.execute(_BUMP, "a")

    await bump()
    assert await _sizes(db) == [2, 0]


async def test_a_transaction_is_retried_after_a_migration_changed_the_columns_that_it_reads(
    db: Database,
) -> None:
    before = _counted("retried")

    @retry_on_contention
    async def lock() -> list[str]:
        async with db.transaction() as tx:
            row = await tx.fetchrow("SELECT * FROM things WHERE name = $1 FOR UPDATE", "a")
            assert row is not None
            return list(row.keys())

    await lock()
    migration = await connect(db.url, "migration")
    await migration.execute("ALTER TABLE things ADD COLUMN color text")
    await migration.close()
    assert await lock() == ["id", "name", "size", "color"]
    assert _counted("retried") == before + 1


async def test_a_lock_timeout_is_retried(db: Database) -> None:
    before = _counted("retried")
    async with rival(db.url) as other:
        await other.hold(_BUMP, "a")
        taking = asyncio.create_task(db.execute(_TAKE, "a"))
        await eventually(lambda: _counted("retried") > before)
        await other.end()
        await taking
    assert await _sizes(db) == [10, 0]


async def test_repeating_ends_with_the_callers_deadline_and_says_that_the_database_is_busy(
    db: Database,
) -> None:
    async with rival(db.url) as other:
        await other.hold(_BUMP, "a")
        token = deadline.set(asyncio.get_running_loop().time() + 0.1)
        try:
            with pytest.raises(DatabaseContention) as raised:
                await db.execute(_TAKE, "a")
        finally:
            deadline.reset(token)
    assert isinstance(raised.value, Unavailable)
    assert (graphql_code(raised.value), raised.value.reason) == ("SERVICE_UNAVAILABLE", "DATABASE_BUSY")


async def test_repeating_without_a_deadline_ends_too(db: Database) -> None:
    before = _counted("gave_up")
    async with rival(db.url) as other:
        await other.hold(_BUMP, "a")
        with pytest.raises(DatabaseContention):
            await db.execute(_TAKE, "a")
    assert _counted("gave_up") == before + 1


async def test_a_statement_of_a_transaction_is_not_repeated_by_itself(db: Database) -> None:
    before = _counted("retried")
    async with rival(db.url) as other:
        await other.hold(_BUMP, "a")
        with pytest.raises(DatabaseContention):
            async with db.transaction() as tx:
                await tx.execute(_TAKE, "a")
    assert _counted("retried") == before


async def test_other_failures_are_not_repeated(db: Database) -> None:
    calls: list[int] = []

    @retry_on_contention
    async def fails() -> None:
        calls.append(1)
        raise Internal("a bug")

    with pytest.raises(Internal):
        await fails()
    assert len(calls) == 1
