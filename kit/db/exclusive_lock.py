"""A database-wide lock that a process holds only while it is alive, running and connected (ADR 0022).

It is an advisory lock on a dedicated session. The server closes a session that is idle for LEASE_SECONDS, so a frozen process or a lost
host releases the lock within that time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from kit.db.errors import DRIVER_ERRORS, translate
from kit.db.session import LIMITS, connect

LEASE_SECONDS = 20.0
_HEARTBEAT_SECONDS = 5.0
_STATEMENT_SECONDS = 10.0


class ExclusiveLock:
    """A session that can acquire the lock `key`; each successful statement on `connection` shows that the lock is still held.

    A statement that succeeds shows that the session, and with it the lock, existed when it ran. No other session can acquire the lock for
    LEASE_SECONDS from the moment it was sent, even if this process freezes. Statements raise `kit.db.errors.DRIVER_ERRORS`.
    """

    def __init__(self, connection: Any, key: int) -> None:
        self.connection = connection
        self._key = key

    async def acquire(self) -> bool:
        """Acquires the lock; false while another session holds it."""
        acquired: bool = await self.connection.fetchval("SELECT pg_try_advisory_lock($1)", self._key)
        return acquired

    async def release(self) -> None:
        """Releases the lock at once; the end of its session does so a moment later, when the server notices it."""
        await self.connection.execute("SELECT pg_advisory_unlock($1)", self._key)

    async def verify(self) -> float:
        """Returns the time.monotonic() from which the lock is held for at least LEASE_SECONDS; raises when the session has ended."""
        sent_at = time.monotonic()
        await self.connection.execute("SELECT 1")
        return sent_at

    @asynccontextmanager
    async def keep_alive(self) -> AsyncIterator[None]:
        """Keeps the session alive during the block, which must not use `connection`; raises at its end when the lock was lost."""
        finished = asyncio.Event()
        heartbeat = asyncio.create_task(self._heartbeat(finished))
        try:
            yield
        finally:
            finished.set()
            await heartbeat

    async def _heartbeat(self, finished: asyncio.Event) -> None:
        while not finished.is_set():
            try:
                await asyncio.wait_for(finished.wait(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                await self.verify()


@asynccontextmanager
async def exclusive_session(url: str, name: str, key: int) -> AsyncIterator[ExclusiveLock]:
    """A session that can acquire the lock `key`; the end of the block releases it."""
    settings = LIMITS | {
        "statement_timeout": f"{int(_STATEMENT_SECONDS * 1000)}",
        "idle_session_timeout": f"{int(LEASE_SECONDS * 1000)}",
    }
    connection = await connect(url, name, command_seconds=_STATEMENT_SECONDS, **settings)
    try:
        yield ExclusiveLock(connection, key)
    finally:
        connection.terminate()


@asynccontextmanager
async def try_exclusive_lock(url: str, name: str, key: int) -> AsyncIterator[bool]:
    """Whether the lock was acquired, for the duration of the block. Raises when the database is unavailable."""
    async with AsyncExitStack() as stack:
        try:
            lock = await stack.enter_async_context(exclusive_session(url, name, key))
            acquired = await lock.acquire()
        except DRIVER_ERRORS as error:
            raise translate(error) from error
        if not acquired:
            yield False
            return
        async with lock.keep_alive():
            yield True
        # If it is lost now, the session has ended, and the lock with it.
        with suppress(*DRIVER_ERRORS):
            await lock.release()
