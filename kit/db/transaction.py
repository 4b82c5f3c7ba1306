"""One transaction on one connection, which owns its own exit.

Not here: nesting and savepoints. A function that takes a transaction does no other I/O, so there is nothing to nest.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kit.db.errors import DRIVER_ERRORS, is_disconnected, translate
from kit.db.outbox import INSERT
from kit.db.statements import Statements
from kit.errors import Internal

if TYPE_CHECKING:
    from kit.db.database import Database

log = logging.getLogger(__name__)

# A rollback that takes longer than this is not waited for: the connection is dropped, and the server rolls back itself.
_ROLLBACK_SECONDS = 5.0

_current: ContextVar[Transaction | None] = ContextVar("souk_transaction", default=None)


def current_transaction() -> Transaction | None:
    """The transaction this task is inside of, if it is still open."""
    transaction = _current.get()
    return transaction if transaction is not None and transaction.open else None


class Transaction(Statements):
    """Statements that commit together; made by `Database.transaction()`, used once.

    Leaving the block commits; an exception, cancellation too, rolls back. Whatever fails on the way out, the connection
    goes back to the pool clean or is dropped, and this task is outside of the transaction again.
    """

    __slots__ = ("_connection", "_database", "_emitted", "_token", "open")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._emitted = False
        self._token: Token[Transaction | None] | None = None
        self.open = False

    async def emit(self, *facts: object) -> None:
        """Writes the facts to the outbox, to be published once this transaction has committed."""
        publishes = self._database.publishes
        if publishes is None:
            raise TypeError("this database publishes nothing: it was made without a topic")
        if facts:
            for columns in publishes.outbox(facts):
                await self.execute(INSERT, *columns)
            self._emitted = True

    async def __aenter__(self) -> Self:
        if current_transaction() is not None:
            raise RuntimeError("a transaction is open in this task already; transactions do not nest")
        connection = await self._database.acquire()
        try:
            await self._perform(connection, "execute", "BEGIN", ())
        except BaseException:
            await self._give_back(connection, broken=True)
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
            await self._give_back(connection, broken=broken)
        if self._emitted and error is None:
            self._database.notify_emitted()

    async def _commit(self, connection: Any) -> None:
        """Commits; without the caller's deadline, because a commit cut short leaves its outcome unknown."""
        try:
            status = await connection.execute("COMMIT")
        except BaseException as error:
            raise translate(error, connection) from error
        if status != "COMMIT":  # PostgreSQL answers ROLLBACK when a statement failed and somebody went on
            raise Internal("a statement had failed, so the transaction was rolled back")

    async def _rollback(self, connection: Any) -> bool:
        """Rolls back; false when the connection is of no use any more."""
        if is_disconnected(connection):
            return False
        try:
            await connection.execute("ROLLBACK", timeout=_ROLLBACK_SECONDS)
        except DRIVER_ERRORS as error:  # what ended the block matters more, and is being raised
            log.warning("database.rollback_failed", extra={"error": type(error).__name__})
            return False
        return True

    async def _give_back(self, connection: Any, *, broken: bool) -> None:
        if broken and not is_disconnected(connection):
            connection.terminate()
        await self._database.release(connection)

    async def _statement(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
        if not self.open:
            raise RuntimeError("this transaction is over")
        return await self._perform(self._connection, method, sql, args)
