"""Translates asyncpg's errors into `kit.errors`.

Constraint violations are not translated, because only a store knows what its constraint means.
"""

from typing import Any

import asyncpg

from kit.errors import Contention, DeadlineExceeded, Unavailable

# All errors that asyncpg and its socket raise.
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
    TimeoutError,
)


class DatabaseUnavailable(Unavailable):
    """The database does not respond: it is down, starting, out of connections, or the connection broke.

    A statement in flight may have committed, so only idempotent work may be retried.
    """

    reason = "DATABASE_UNAVAILABLE"


class DatabaseBusy(Unavailable):
    """No pooled connection became free, or a statement exceeded its time limit."""

    reason = "DATABASE_BUSY"


class DatabaseContention(Contention):
    """A deadlock, a serialization failure, a lock timeout, or a migration of the columns that are read; the transaction was rolled back.

    `kit.db.run_with_contention_retries` retries it first; clients see the remaining failures as DATABASE_BUSY.
    """

    reason = DatabaseBusy.reason


class StatementDeadlineExceeded(DeadlineExceeded):
    """The caller's deadline passed during a statement."""

    reason = "DEADLINE_EXCEEDED"


# SQLSTATE classes: https://www.postgresql.org/docs/15/errcodes-appendix.html
# connection, resources, operator intervention, system error, idle_in_transaction_session_timeout
_UNAVAILABLE = ("08", "53", "57P", "58", "25P03")
_CONTENTION = ("40001", "40P01", "55P03")  # serialization failure, deadlock, lock not available
_READ_ONLY = "25006"  # a primary that became a standby
_CANCELLED = "57014"


def translate(error: BaseException, connection: Any = None, *, has_deadline: bool = False) -> BaseException:
    """The error to raise instead of `error`; `error` itself when it has no translation.

    `has_deadline`: a timeout is the caller's deadline rather than our own limit.
    """
    if isinstance(error, asyncpg.PostgresError):
        return _by_state(error, has_deadline)
    if isinstance(error, TimeoutError):
        return _timeout(has_deadline)
    if isinstance(
        error, OSError | EOFError
    ):  # EOFError: the server closed the connection during the handshake.
        return DatabaseUnavailable("the database is unavailable")
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError) and is_disconnected(
        connection
    ):
        return DatabaseUnavailable("the database is unavailable")
    return error


def is_disconnected(connection: Any) -> bool:
    """Whether the connection is closed."""
    try:
        return connection is None or bool(connection.is_closed())
    except asyncpg.InterfaceError:  # The pool's proxy has no connection.
        return True


def _by_state(error: Any, has_deadline: bool) -> BaseException:
    state: str = error.sqlstate or ""
    if state == _CANCELLED:
        return _timeout(has_deadline)
    # A table has other columns than when the statement was prepared. The driver prepares it again itself, but not in a transaction.
    if state.startswith(_CONTENTION) or isinstance(error, asyncpg.InvalidCachedStatementError):
        return DatabaseContention("serialization conflict, retry")
    if state.startswith(_UNAVAILABLE) or state == _READ_ONLY:
        return DatabaseUnavailable("the database is unavailable")
    unchanged: BaseException = error
    return unchanged


def _timeout(has_deadline: bool) -> BaseException:
    if has_deadline:
        return StatementDeadlineExceeded("the deadline passed")
    return DatabaseBusy("the database did not answer in time")
