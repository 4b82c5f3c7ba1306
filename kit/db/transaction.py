"""One transaction on one connection.

Not here: nesting and savepoints. A function that takes a transaction does no other I/O, so there is nothing to nest.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Protocol, Self

from kit.db.errors import DRIVER_ERRORS, is_disconnected, translate
from kit.db.outbox import INSERT, OutboxEncoder
from kit.db.statements import Statements
from kit.errors import Internal
from kit.telemetry import get_logger

log = get_logger(__name__)

# After this a rollback is abandoned: the connection is dropped, and the server rolls back by itself.
_ROLLBACK_SECONDS = 5.0

_current: ContextVar[Transaction | None] = ContextVar("souk_transaction", default=None)


class ConnectionSource(Protocol):
    """What a transaction needs of its database."""

    publishes: OutboxEncoder | None

    async def acquire(self) -> Any:
        """A connection, within the caller's deadline."""
        ...

    async def release(self, connection: Any) -> None:
        """Returns the connection."""
        ...

    def notify_emitted(self) -> None:
        """Reports committed outbox rows."""
        ...

    def notify_committed(self) -> None:
        """Reports a commit."""
        ...


def current_transaction() -> Transaction | None:
    """The open transaction of this task, if any."""
    transaction = _current.get()
    return transaction if transaction is not None and transaction.open else None


class Transaction(Statements):
    """Statements that commit together; created by `Database.transaction()` for one use.

    Leaving the block commits; an exception or cancellation rolls back. Even if that fails, the connection returns to the pool clean or is
    dropped, and the task is outside the transaction again.
    """

    __slots__ = ("_connection", "_database", "_emitted", "_token", "open")

    def __init__(self, database: ConnectionSource) -> None:
        self._database = database
        self._connection: Any = None
        self._emitted = False
        self._token: Token[Transaction | None] | None = None
        self.open = False

    async def emit(self, *events: object, headers: Sequence[str] = ()) -> None:
        """Writes domain events to the outbox; they are published after this transaction commits.

        `headers`: of each event, captured where it was caused, if that was not in this call (`kit.events.context_headers`).
        """
        encoder = self._database.publishes
        if encoder is None:
            raise TypeError("Database was created without an outbox topic")
        if events:
            for columns in encoder.outbox_rows_by_topic(events, headers):
                await self.execute(INSERT, *columns)
            self._emitted = True

    def notify_emitted(self) -> None:
        """For stores whose own statement writes outbox rows: they are reported after the commit."""
        self._emitted = True

    async def __aenter__(self) -> Self:
        if current_transaction() is not None:
            raise RuntimeError("this task already has an open transaction; transactions do not nest")
        connection = await self._database.acquire()
        try:
            await self._perform(connection, "execute", "BEGIN", ())
        except BaseException:
            await self._release_connection(connection, broken=True)
            raise
        self._connection = connection
        self._token = _current.set(self)
        self.open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._token is not None
        connection, self._connection = self._connection, None
        self.open = False
        _current.reset(self._token)
        broken = True
        try:
            if error is None:
                await self._commit(connection)
                broken = False
            else:
                broken = not await self._rollback(connection)
        finally:
            await self._release_connection(connection, broken=broken)
        if error is None:
            self._database.notify_committed()
            if self._emitted:
                self._database.notify_emitted()

    async def _commit(self, connection: Any) -> None:
        """Commits without the caller's deadline, because an interrupted commit has an unknown outcome."""
        try:
            status = await connection.execute("COMMIT")
        except BaseException as error:
            raise translate(error, connection) from error
        if status != "COMMIT":  # PostgreSQL reports ROLLBACK when an earlier statement failed.
            raise Internal("a statement failed earlier, so the transaction was rolled back")

    async def _rollback(self, connection: Any) -> bool:
        """Rolls back; false when the connection is unusable."""
        if is_disconnected(connection):
            return False
        try:
            await connection.execute("ROLLBACK", timeout=_ROLLBACK_SECONDS)
        except DRIVER_ERRORS as error:  # Not raised: it would hide the error that ended the block.
            log.warning("database.rollback_failed", error=type(error).__name__)
            return False
        return True

    async def _release_connection(self, connection: Any, *, broken: bool) -> None:
        if broken and not is_disconnected(connection):
            connection.terminate()
        await self._database.release(connection)

    async def _statement(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
        if not self.open:
            raise RuntimeError("transaction already closed")
        return await self._perform(self._connection, method, sql, args)
