"""The database's time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from kit.db import Database, DatabaseUnavailable, clock
from kit.db.clock import DatabaseClock
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "postgres"]

START = datetime(2030, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Server:
    """A server whose clock stands still at `now`."""

    def __init__(self) -> None:
        self.now = START
        self.delay = 0.0
        self.is_down = False
        self.reads = 0

    async def read(self) -> datetime:
        self.reads += 1
        await asyncio.sleep(self.delay)
        if self.is_down:
            raise DatabaseUnavailable()
        return self.now


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def opened(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DatabaseClock]:
    monkeypatch.setattr(clock, "_MEASURE_SECONDS", 0.01)
    opened = DatabaseClock(server.read)
    await opened.open()
    yield opened
    await opened.close()


def measured_again(server: Server) -> Callable[[], bool]:
    reads = server.reads
    return lambda: server.reads >= reads + 3


async def test_it_is_the_servers_time_in_whole_milliseconds_and_passes(server: Server) -> None:
    server.now += timedelta(microseconds=1)
    opened = DatabaseClock(server.read)
    await opened.open()
    first = opened()
    await eventually(lambda: first < opened())
    assert START <= first < START + SECOND
    assert first.microsecond % 1000 == 0
    await opened.close()


async def test_a_change_of_the_servers_time_is_followed(server: Server, opened: DatabaseClock) -> None:
    for change in (300 * SECOND, -600 * SECOND):
        server.now += change
        await eventually(measured_again(server))
        assert abs(opened() - server.now) < SECOND


async def test_during_an_outage_time_passes(server: Server, opened: DatabaseClock) -> None:
    server.is_down = True
    await eventually(measured_again(server))
    before = opened()
    await eventually(lambda: before < opened())
    server.is_down, server.now = False, START + 300 * SECOND
    await eventually(measured_again(server))
    assert opened() >= server.now


async def test_a_slow_measurement_is_ignored(
    server: Server, opened: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_MAX_DURATION_SECONDS", 0.1)
    server.delay = 0.2
    await eventually(measured_again(server))
    server.now += 300 * SECOND
    await eventually(measured_again(server))
    assert opened() < server.now


async def test_before_it_is_open_it_has_no_time(server: Server) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        DatabaseClock(server.read)()
    server.is_down = True
    with pytest.raises(DatabaseUnavailable):
        await DatabaseClock(server.read).open()


async def test_a_database_has_the_time_of_its_server(database_url: str) -> None:
    db = Database(database_url)
    await db.open()
    stored = await db.fetchval("SELECT clock_timestamp()")
    assert abs(db.clock() - stored) < SECOND
    await db.close()
