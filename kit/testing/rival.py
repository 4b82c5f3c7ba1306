"""A competing database session, for tests of contention."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from kit.testing.conditions import eventually


class Rival:
    """Holds its locks until `end`; in a deadlock, PostgreSQL always aborts the other session."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def hold(self, sql: str, *args: Any) -> None:
        """Runs a statement and keeps its locks."""
        await self._connection.execute(sql, *args)

    async def deadlock(self, sql: str, *args: Any) -> None:
        """Waits until another session waits for this one, then requests that session's lock, which deadlocks; ends once it has it."""
        await eventually(self.is_awaited)
        await self._connection.execute(sql, *args)
        await self.end()

    async def is_awaited(self) -> bool:
        """Whether another session waits for this one."""
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        return bool(await self._connection.fetchval(waiting))

    async def end(self) -> None:
        """Releases all locks."""
        await self._connection.execute("ROLLBACK")


async def count_lock_waits(url: str) -> int:
    """The number of statements in this database that wait for a lock."""
    connection = await asyncpg.connect(url)
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return count
    finally:
        await connection.close()


@asynccontextmanager
async def rival(url: str) -> AsyncIterator[Rival]:
    """A rival in an open transaction."""
    connection = await asyncpg.connect(url)
    try:
        # PostgreSQL aborts the session that detects a deadlock, so this one never checks.
        await connection.execute("SET deadlock_timeout = '1h'; BEGIN")
        yield Rival(connection)
    finally:
        await connection.close()
