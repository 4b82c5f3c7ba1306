"""What the driver's errors become."""

import asyncpg
import pytest

from kit.db.errors import (
    DatabaseBusy,
    DatabaseContention,
    DatabaseUnavailable,
    StatementDeadlineExceeded,
    translate,
)
from kit.errors import is_transient


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError(), DatabaseUnavailable),
        (asyncpg.CannotConnectNowError("starting up"), DatabaseUnavailable),
        (asyncpg.AdminShutdownError("terminating"), DatabaseUnavailable),
        (asyncpg.ConnectionDoesNotExistError("closed"), DatabaseUnavailable),
        (asyncpg.TooManyConnectionsError("sorry"), DatabaseUnavailable),
        (asyncpg.ReadOnlySQLTransactionError("standby"), DatabaseUnavailable),
        (asyncpg.DeadlockDetectedError("deadlock"), DatabaseContention),
        (asyncpg.SerializationError("retry"), DatabaseContention),
        (TimeoutError(), DatabaseBusy),
        (asyncpg.QueryCanceledError("cancelled"), DatabaseBusy),
    ],
)
def test_what_passes_by_itself_is_transient(error: Exception, expected: type[Exception]) -> None:
    translated = translate(error)

    assert type(translated) is expected
    assert is_transient(translated)


def test_a_timeout_under_a_deadline_is_the_callers() -> None:
    assert isinstance(translate(TimeoutError(), has_deadline=True), StatementDeadlineExceeded)


@pytest.mark.parametrize(
    "error", [asyncpg.UniqueViolationError("twice"), asyncpg.PostgresSyntaxError("eh"), KeyError("k")]
)
def test_everything_else_stays_what_it_is(error: Exception) -> None:
    assert translate(error) is error


def test_the_messages_reveal_nothing_about_the_server() -> None:
    translated = translate(ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 5432)"))

    assert "10.0.0.7" not in str(translated)
