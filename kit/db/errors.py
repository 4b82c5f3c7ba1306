"""What the database's failures mean to a caller.

One function turns what asyncpg raises into `kit.errors`. Violations of constraints are not here: they pass as asyncpg
raises them, because only a store knows what its own constraint means.
"""

from typing import Any

import asyncpg

from kit.errors import Contention, DeadlineExceeded, Unavailable

# Whatever asyncpg and the socket below it raise.
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
    TimeoutError,
)


class DatabaseUnavailable(Unavailable):
    """No answer from the database: it is down, starting, out of connections, or the connection broke.

    A statement that was under way may have committed; whoever repeats it needs an idempotent one.
    """

    reason = "DATABASE_UNAVAILABLE"


class DatabaseBusy(Unavailable):
    """No connection of the pool came free, or a statement took longer than any may."""

    reason = "DATABASE_BUSY"


class DatabaseContention(Contention):
    """A deadlock, a serialization failure or a lock timeout: all of the statement or transaction was undone.

    `kit.db.run_with_contention_retries` runs it again first; what a client sees of the rest is that the database is busy.
    """

    reason = DatabaseBusy.reason


class StatementDeadlineExceeded(DeadlineExceeded):
    """The caller's deadline passed while the database worked."""

    reason = "DEADLINE_EXCEEDED"


# SQLSTATE classes: https://www.postgresql.org/docs/15/errcodes-appendix.html
# connection, resources, operator intervention, system error, a transaction that was silent for too long
_UNAVAILABLE = ("08", "53", "57P", "58", "25P03")
_CONTENTION = ("40001", "40P01", "55P03")  # serialization failure, deadlock, lock not available
_READ_ONLY = "25006"  # a primary that became a standby
_CANCELLED = "57014"


def translate(error: BaseException, connection: Any = None, *, has_deadline: bool = False) -> BaseException:
    """The error to raise in place of `error`; `error` itself when it means nothing special.

    `has_deadline` says whether a timeout is the caller's deadline or the pool's own limit.
    """
    if isinstance(error, asyncpg.PostgresError):
        return _by_state(error, has_deadline)
    if isinstance(error, TimeoutError):
        return _timeout(has_deadline)
    if isinstance(error, OSError | EOFError):  # EOFError: the server hung up amid the handshake
        return DatabaseUnavailable("the database is unavailable")
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError) and is_disconnected(
        connection
    ):
        return DatabaseUnavailable("the database is unavailable")
    return error


def is_disconnected(connection: Any) -> bool:
    """Whether there is no connection any more; a pool takes a broken one back by itself."""
    try:
        return connection is None or bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool's proxy has nothing behind it
        return True


def _by_state(error: Any, has_deadline: bool) -> BaseException:
    state: str = error.sqlstate or ""
    if state == _CANCELLED:
        return _timeout(has_deadline)
    if state.startswith(_CONTENTION):
        return DatabaseContention("the database is busy with concurrent changes")
    if state.startswith(_UNAVAILABLE) or state == _READ_ONLY:
        return DatabaseUnavailable("the database is unavailable")
    meant: BaseException = error
    return meant


def _timeout(has_deadline: bool) -> BaseException:
    if has_deadline:
        return StatementDeadlineExceeded("the deadline passed")
    return DatabaseBusy("the database did not answer in time")
