"""Another database session, for tests of what happens when work meets other work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from kit.testing.conditions import eventually


class Rival:
    """Holds what it locked until `end`; in a deadlock it is always the other session that PostgreSQL picks."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def hold(self, sql: str, *args: Any) -> None:
        """Runs a statement, whose locks stay."""
        await self._connection.execute(sql, *args)

    async def deadlock(self, sql: str, *args: Any) -> None:
        """Waits until another session waits for this one, then asks for what that one holds; ends once it got it."""
        await eventually(self.is_awaited)
        await self._connection.execute(sql, *args)
        await self.end()

    async def is_awaited(self) -> bool:
        """Whether another session waits for this one."""
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        return bool(await self._connection.fetchval(waiting))

    async def end(self) -> None:
        """Lets go of everything."""
        await self._connection.execute("ROLLBACK")


@asynccontextmanager
async def rival(url: str) -> AsyncIterator[Rival]:
    """A rival in an open transaction."""
    connection = await asyncpg.connect(url)
    try:
        # Who looks for a deadlock finds it, and is picked.
        await connection.execute("SET deadlock_timeout = '1h'; BEGIN")
        yield Rival(connection)
    finally:
        await connection.close()
