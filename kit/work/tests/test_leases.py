"""The pool over rows leased in a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.db import Database
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from kit.work import Worker

__all__ = ["database_url", "postgres"]

# What a store's claim looks like.
_CLAIM = """
UPDATE jobs SET lease_until = now() + interval '0.3 s', attempts = attempts + 1 WHERE id IN (
    SELECT id FROM jobs WHERE done_at IS NULL AND lease_until < now() ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url)
    await db.open()
    await db.execute(
        "CREATE TABLE jobs (id int PRIMARY KEY, attempts int NOT NULL DEFAULT 0, done_at timestamptz, "
        "lease_until timestamptz NOT NULL DEFAULT '-infinity')"
    )
    yield db
    await db.close()


class Jobs:
    """A store of jobs and their handler."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.fail: set[int] = set()

    async def claim(self, limit: int) -> list[int]:
        return [row["id"] for row in await self._db.fetch(_CLAIM, limit)]

    async def handle(self, job: int) -> None:
        await asyncio.sleep(0.001)
        if job in self.fail:
            self.fail.remove(job)
            raise RuntimeError("died")
        await self._db.execute("UPDATE jobs SET done_at = now() WHERE id = $1", job)

    async def all_done(self) -> bool:
        return bool(await self._db.fetchval("SELECT bool_and(done_at IS NOT NULL) FROM jobs"))

    def worker(self) -> Worker[int]:
        return Worker("jobs", self.claim, self.handle, concurrency=4, idle_seconds=0.02)


async def test_several_pools_do_each_row_once(db: Database) -> None:
    await db.execute("INSERT INTO jobs (id) SELECT generate_series(1, 200)")
    jobs = Jobs(db)
    workers = [jobs.worker() for _ in range(3)]
    for worker in workers:
        await worker.open()
    await eventually(jobs.all_done)
    for worker in workers:
        await worker.close()

    assert await db.fetchval("SELECT max(attempts) FROM jobs") == 1


async def test_a_row_whose_worker_died_is_claimed_again_after_its_lease(db: Database) -> None:
    await db.execute("INSERT INTO jobs (id) SELECT generate_series(1, 5)")
    jobs = Jobs(db)
    jobs.fail = {3}
    worker = jobs.worker()
    await worker.open()
    await eventually(jobs.all_done)
    await worker.close()

    assert [row["attempts"] for row in await db.fetch("SELECT attempts FROM jobs ORDER BY id")] == [
        1,
        1,
        2,
        1,
        1,
    ]
