"""What PostgreSQL ends by itself when a process is frozen or its host is lost, against a real server."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from kit.db import Database, DatabaseContention, DatabaseUnavailable, try_exclusive_lock
from kit.db import exclusive_lock as exclusive_module
from kit.db.errors import DRIVER_ERRORS
from kit.db.exclusive_lock import exclusive_session
from kit.db.session import LIMITS
from kit.testing import Postgres, eventually
from kit.testing.fixtures import database_url, postgres
from kit.testing.proxy import proxy
from kit.testing.rival import rival

__all__ = ["database_url", "postgres"]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url)
    await db.open()
    await db.execute("CREATE TABLE things AS SELECT 1 AS size")
    yield db
    await db.close()


async def test_a_pooled_session_has_limits_and_keepalives_on_both_sides(db: Database) -> None:
    keepalives = [
        "tcp_keepalives_idle",
        "tcp_keepalives_interval",
        "tcp_keepalives_count",
        "tcp_user_timeout",
    ]
    for name in (*LIMITS, *keepalives):
        assert await db.fetchval("SELECT current_setting($1)", name) != "0", name
    connection = await db.acquire()
    opened = connection._con._transport.get_extra_info("socket")
    assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
    await db.release(connection)


async def test_a_transaction_whose_process_went_silent_gives_its_locks_back(
    database_url: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, "idle_in_transaction_session_timeout", "300")
    frozen = Database(database_url)
    await frozen.open()
    with pytest.raises(DatabaseUnavailable):
        async with frozen.transaction() as tx:
            await tx.execute("UPDATE things SET size = 2")
            # It sends nothing more, and others get what it held.
            await asyncio.create_task(_bump(database_url))
            await tx.execute("UPDATE things SET size = 3")
    assert await db.fetchval("SELECT size FROM things") == 2
    await frozen.close()


async def _bump(url: str) -> None:
    async with rival(url) as other:
        await other.hold("UPDATE things SET size = size + 1")
        await other.hold("COMMIT")


async def test_waiting_for_a_lock_has_an_end(
    database_url: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, "lock_timeout", "100")
    waiting = Database(database_url)
    await waiting.open()
    async with rival(database_url) as other:
        await other.hold("UPDATE things SET size = 2")
        with pytest.raises(DatabaseContention):
            await waiting.execute("UPDATE things SET size = 3")
    await waiting.close()


async def test_a_lock_whose_session_went_silent_is_taken_by_the_next_and_the_first_notices(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exclusive_module, "LEASE_SECONDS", 0.5)
    async with (
        exclusive_session(database_url, "first", 7) as first,
        exclusive_session(database_url, "second", 7) as second,
    ):
        assert await first.acquire()
        assert not await second.acquire()
        await eventually(second.acquire, seconds=10)
        with pytest.raises(DRIVER_ERRORS):
            await first.verify()


async def test_a_lock_is_kept_over_long_work(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exclusive_module, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(exclusive_module, "_HEARTBEAT_SECONDS", 0.1)
    requested: list[bool] = []
    async with try_exclusive_lock(database_url, "first", 7) as first:
        assert first
        end = asyncio.get_running_loop().time() + 3
        while asyncio.get_running_loop().time() < end:
            async with try_exclusive_lock(database_url, "second", 7) as second:
                requested.append(second)
    assert not any(requested)
    async with try_exclusive_lock(database_url, "third", 7) as third:
        assert third


async def test_a_lock_behind_a_cut_connection_is_taken_by_the_next(
    postgres: Postgres, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exclusive_module, "LEASE_SECONDS", 0.5)
    monkeypatch.setattr(exclusive_module, "_STATEMENT_SECONDS", 1.0)
    async with proxy(postgres.port) as wire:
        url = database_url.replace(f":{postgres.port}/", f":{wire.port}/")
        async with (
            exclusive_session(url, "far", 7) as far,
            exclusive_session(database_url, "near", 7) as near,
        ):
            assert await far.acquire()
            wire.cut()
            await eventually(near.acquire, seconds=10)
            with pytest.raises(DRIVER_ERRORS):
                await far.verify()
