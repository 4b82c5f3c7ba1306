"""Migrations on rows of earlier releases, which keep writing during an upgrade."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kit.db import Migrations
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from kit.values import ORDER, utc_now

__all__ = ["database_url", "postgres"]

START = utc_now()


async def add_order(connection: Any, seconds: int) -> UUID:
    """Written as by a release that has no numbers."""
    order_id = ORDER.new()
    await connection.execute(
        "INSERT INTO orders (id, account_id, caller_id, request_id, input_hash, currency, total, refunded, status, status_reason,"
        " version, deadline, create_time, update_time) VALUES ($1, $1, $1, 'k', '', 'USD', 1, 0, 'PENDING', '', 1, $2, $2, $2)",
        order_id,
        START + timedelta(seconds=seconds),
    )
    return order_id


async def migrate(url: str, monkeypatch: pytest.MonkeyPatch, *, before: str) -> None:
    """Applies the files before this one."""
    migrations = Migrations("order")
    files = [
        file
        for file in migrations.all()
        if not file.name.startswith("order/") or file.name < f"order/{before}"
    ]
    with monkeypatch.context() as older:
        older.setattr(migrations, "all", lambda: files)
        await migrations.apply(url)


async def numbers(connection: Any) -> dict[UUID, int]:
    return {row["id"]: row["number"] for row in await connection.fetch("SELECT id, number FROM orders")}


async def test_orders_of_earlier_releases_get_numbers_in_order_of_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url, monkeypatch, before="0004")
    connection = await asyncpg.connect(database_url)
    old = [await add_order(connection, seconds) for seconds in (30, 10, 20)]
    await migrate(database_url, monkeypatch, before="0005")
    between = await add_order(connection, 40)

    await Migrations("order").apply(database_url)

    after = await add_order(connection, 0)
    stored = await numbers(connection)
    assert [stored[order] for order in (old[1], old[2], old[0], between, after)] == [
        1001,
        1002,
        1003,
        1004,
        1005,
    ]
    await connection.close()


async def test_more_orders_than_were_counted_get_numbers_of_the_sequence(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url, monkeypatch, before="0005")
    connection = await asyncpg.connect(database_url)
    late = [await add_order(connection, seconds) for seconds in range(3)]
    # As if they had been written between the count and the default.
    await connection.execute("UPDATE orders SET number = NULL")

    await Migrations("order").apply(database_url)

    stored = await numbers(connection)
    assert len({*stored.values()}) == len(late) == 3
    assert min(stored.values()) > 1000
    await connection.close()


async def test_a_locked_order_does_not_stop_the_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url, monkeypatch, before="0004")
    connection = await asyncpg.connect(database_url)
    rival = await asyncpg.connect(database_url)
    for seconds in range(1_500):
        await add_order(connection, seconds)
    await migrate(database_url, monkeypatch, before="0005")
    transaction = rival.transaction()
    await transaction.start()
    locked = await rival.fetchval("SELECT id FROM orders ORDER BY create_time LIMIT 1 FOR UPDATE")
    migrating = asyncio.create_task(Migrations("order").apply(database_url))

    async def only_the_locked_one_is_left() -> bool:
        left: int = await connection.fetchval("SELECT count(*) FROM orders WHERE number IS NULL")
        return left == 1

    await eventually(only_the_locked_one_is_left)

    assert (await numbers(connection))[locked] is None
    await transaction.commit()
    await migrating

    assert len({*(await numbers(connection)).values()}) == 1_500
    await rival.close()
    await connection.close()
