"""A lock of a whole database that a process holds while it lives, runs and is connected, and no longer: ADR 0022.

It is an advisory lock on a session of its own. The server ends a session on which nothing was asked for LEASE_SECONDS, so a frozen process
and a lost host give the lock up within that time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from kit.db.errors import DRIVER_ERRORS, translate
from kit.db.session import LIMITS, connect

LEASE_SECONDS = 20.0
_BEAT_SECONDS = 5.0
_STATEMENT_SECONDS = 10.0


class Exclusive:
    """One session that may take the lock `key`; what is asked on `connection` proves that the lock is still held.

    A statement that succeeds shows that the session lived when it ran, and the lock with it. From the moment it was sent the
    lock is safe for LEASE_SECONDS, whatever happens to this process. Statements raise `kit.db.errors.DRIVER_ERRORS`.
    """

    def __init__(self, connection: Any, key: int) -> None:
        self.connection = connection
        self._key = key

    async def take(self) -> bool:
        """Whether the lock is this session's now; false while another session has it."""
        taken: bool = await self.connection.fetchval("SELECT pg_try_advisory_lock($1)", self._key)
        return taken

    async def prove(self) -> float:
        """The time.monotonic() from which the lock is safe for LEASE_SECONDS; raises when the session has ended."""
        asked = time.monotonic()
        await self.connection.execute("SELECT 1")
        return asked

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keeps the lock while the block, which must not use `connection`, takes its time; raises at the end when it was lost."""
        over = asyncio.Event()
        beating = asyncio.create_task(self._beat(over))
        try:
            yield
        finally:
            over.set()
            await beating

    async def _beat(self, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                await asyncio.wait_for(over.wait(), _BEAT_SECONDS)
            except TimeoutError:
                await self.prove()


@asynccontextmanager
async def exclusive(url: str, name: str, key: int) -> AsyncIterator[Exclusive]:
    """A session that may take the lock `key`, which is given back at the end of the block."""
    settings = LIMITS | {
        "statement_timeout": f"{int(_STATEMENT_SECONDS * 1000)}",
        "idle_session_timeout": f"{int(LEASE_SECONDS * 1000)}",
    }
    made = await connect(url, name, command_seconds=_STATEMENT_SECONDS, **settings)
    try:
        yield Exclusive(made, key)
    finally:
        made.terminate()


@asynccontextmanager
async def try_exclusive_lock(url: str, name: str, key: int) -> AsyncIterator[bool]:
    """Whether no other process is in such a block now; it may take long. Raises when the database is unavailable."""
    async with AsyncExitStack() as stack:
        try:
            lock = await stack.enter_async_context(exclusive(url, name, key))
            taken = await lock.take()
        except DRIVER_ERRORS as error:
            raise translate(error) from error
        if not taken:
            yield False
            return
        async with lock.kept():
            yield True
