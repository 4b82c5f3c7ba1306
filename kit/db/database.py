"""A service's PostgreSQL database: a pool, single statements and transactions.

Not here: session state. Pooled connections are not reset on release, which would cost a round trip each time, so no statement may leave
settings, locks or listeners behind. Code that needs a session opens its own connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from kit.db.clock import DatabaseClock
from kit.db.contention import run_with_contention_retries
from kit.db.errors import (
    DRIVER_ERRORS,
    DatabaseUnavailable,
    StatementDeadlineExceeded,
    is_disconnected,
    translate,
)
from kit.db.metrics import CONNECTIONS
from kit.db.outbox import OutboxEncoder
from kit.db.session import CONNECT_SECONDS, LIMITS, STATEMENT_SECONDS, connection
from kit.db.statements import Statements
from kit.db.transaction import Transaction, current_transaction
from kit.values import Clock, remaining

_CLOSE_SECONDS = 5.0


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """A pooled connection that is not reset on release; asyncpg still rolls back an open transaction."""

    def get_reset_query(self) -> str:
        return ""


class Database(Statements):
    """A connection pool, as a resource; it reconnects by itself after an outage.

    `publishes` is the topic whose outbox rows `Transaction.emit` writes. A statement run here commits by itself and is retried on
    contention (`kit.db.run_with_contention_retries`). Inside an open transaction it raises RuntimeError, because it would use a second
    connection.
    """

    name = "database"

    def __init__(self, url: str, *, publishes: OutboxEncoder | None = None, pool_size: int = 5) -> None:
        self.publishes = publishes
        self._url = url
        self._pool_size = pool_size
        self._pool: Any = None
        self._emitted: list[Callable[[], None]] = []
        self._committed: list[Callable[[], None]] = []
        self._clock = DatabaseClock(self._read_time)

    @property
    def url(self) -> str:
        """The URL with its password, for code that opens its own session. Never log it."""
        return self._url

    @property
    def clock(self) -> Clock:
        """The server's time, for everything that is stored; raises RuntimeError while the database is not open."""
        return self._clock

    def __repr__(self) -> str:
        parts = urlsplit(self._url)
        return f"Database({parts.hostname}{parts.path})"

    async def open(self) -> None:
        """Opens one connection, so that a wrong address fails here; raises Unavailable while the server is down."""
        pool = asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._pool_size,
            connect=connection,
            connection_class=_Connection,
            command_timeout=STATEMENT_SECONDS,
            timeout=CONNECT_SECONDS,
            max_inactive_connection_lifetime=300,
            server_settings={
                **LIMITS,
                "application_name": "souk",
                # Re-planning doubled the cost of hot statements (ADR 0012); filters produce distinct SQL texts (WhereClause).
                "plan_cache_mode": "force_generic_plan",
                # A plan is kept while its tables grow, so that none may read a whole table because it was small or empty (ADR 0062).
                "enable_seqscan": "off",
                "random_page_cost": "1.1",
            },
        )
        try:
            self._pool = await pool
        except Exception as error:
            translated = translate(error)
            if translated is error:
                raise
            raise translated from error
        CONNECTIONS.labels("used").set_function(lambda: self._connections() - self._connections(idle=True))
        CONNECTIONS.labels("idle").set_function(lambda: self._connections(idle=True))
        await self._clock.open()

    def _connections(self, *, idle: bool = False) -> int:
        if self._pool is None:
            return 0
        count: int = self._pool.get_idle_size() if idle else self._pool.get_size()
        return count

    async def close(self) -> None:
        """Waits briefly for statements in flight, then closes all connections."""
        await self._clock.close()
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), _CLOSE_SECONDS)
        except TimeoutError:
            self._pool.terminate()
        finally:
            self._pool = None

    async def ping(self) -> None:
        """Raises unless the database responds."""
        await self.fetchval("SELECT 1")

    def transaction(self) -> Transaction:
        """`async with db.transaction() as tx:`; does not nest. Not retried on contention: see `kit.db.retry_on_contention`."""
        return Transaction(self)

    def on_emitted(self, wake: Callable[[], None]) -> None:
        """Calls `wake()` after each commit that wrote to the outbox. Only a hint: other processes write there too."""
        self._emitted.append(wake)

    def notify_emitted(self) -> None:
        """Reports committed outbox rows; for stores whose own statement writes them."""
        for wake in self._emitted:
            wake()

    def on_committed(self, wake: Callable[[], None]) -> None:
        """Calls `wake()` after each transaction that committed. Only a hint: other processes commit too."""
        self._committed.append(wake)

    def notify_committed(self) -> None:
        """Reports a committed transaction."""
        for wake in self._committed:
            wake()

    async def acquire(self) -> Any:
        """A connection, within the caller's deadline; for `Transaction`, which releases it."""
        if self._pool is None:
            raise DatabaseUnavailable("the database is not open")
        seconds = remaining()
        if seconds is not None and seconds <= 0:
            raise StatementDeadlineExceeded("the deadline passed")
        try:
            return await self._pool.acquire(timeout=STATEMENT_SECONDS if seconds is None else seconds)
        except Exception as error:
            translated = translate(error, has_deadline=seconds is not None)
            if translated is error:
                raise
            raise translated from error

    async def _read_time(self) -> datetime:
        """Outside `_statement`: it belongs to no call, so it is neither counted nor traced."""
        connection = await self.acquire()
        try:
            time: datetime = await connection.fetchval("SELECT clock_timestamp()")
            return time
        except DRIVER_ERRORS as error:
            raise translate(error) from error
        finally:
            await self.release(connection)

    async def release(self, connection: Any) -> None:
        """Returns a connection; the pool drops a broken one."""
        if self._pool is None:  # Closed in the meantime, together with its connections.
            return
        try:
            await self._pool.release(connection)
        except DRIVER_ERRORS:
            if not is_disconnected(connection):
                connection.terminate()

    async def _statement(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
        if current_transaction() is not None:
            raise RuntimeError("a transaction is open in this task: use it, not the database")

        async def attempt() -> Any:
            connection = await self.acquire()
            try:
                return await self._perform(connection, method, sql, args)
            finally:
                await self.release(connection)

        # A single statement is its own transaction, so a rollback left no effect.
        return await run_with_contention_retries(attempt)
