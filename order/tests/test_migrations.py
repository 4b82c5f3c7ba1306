"""Migrations on rows of earlier releases, which keep writing during an upgrade."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kit.db import Migrations
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
    rows = await connection.fetch("SELECT id, order_number(number, id) AS number FROM orders")
    return {row["id"]: row["number"] for row in rows}


async def test_orders_of_earlier_releases_have_numbers_and_are_not_rewritten(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url, monkeypatch, before="0004")
    connection = await asyncpg.connect(database_url)
    old = [await add_order(connection, seconds) for seconds in range(100)]
    versions = await connection.fetch("SELECT id, xmin::text, ctid FROM orders ORDER BY id")
    await migrate(database_url, monkeypatch, before="0005")
    between = await add_order(connection, 101)
    await connection.execute("DELETE FROM orders WHERE id = $1", between)

    await Migrations("order").apply(database_url)

    assert await connection.fetch("SELECT id, xmin::text, ctid FROM orders ORDER BY id") == versions
    after = await add_order(connection, 102)
    stored = await numbers(connection)
    assert stored[after] == 1002
    assert len({stored[order] for order in old}) == 100
    assert {len(str(stored[order])) for order in old} == {18}
    await connection.close()


async def test_an_order_of_an_earlier_release_is_found_by_the_index_of_numbers(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url, monkeypatch, before="0004")
    connection = await asyncpg.connect(database_url)
    old = await add_order(connection, 1)

    await Migrations("order").apply(database_url)

    number = (await numbers(connection))[old]
    sql = "SELECT id FROM orders WHERE order_number(number, id) = $1"
    await connection.execute("SET enable_seqscan = off")
    plan = await connection.fetch(f"EXPLAIN {sql.replace('$1', str(number))}")
    assert "orders_number" in str(plan)
    assert await connection.fetchval(sql, number) == old
    await connection.close()


async def test_a_database_of_the_replaced_files_keeps_its_numbers(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(database_url, monkeypatch, before="0004")
    connection = await asyncpg.connect(database_url)
    old = await add_order(connection, 1)
    await connection.execute(
        "CREATE SEQUENCE order_numbers START 1002; ALTER TABLE orders ADD COLUMN number bigint;"
        " UPDATE orders SET number = 1001; ALTER TABLE orders ALTER COLUMN number SET NOT NULL;"
        " ALTER TABLE orders ALTER COLUMN number SET DEFAULT nextval('order_numbers');"
        " CREATE UNIQUE INDEX orders_number ON orders (number)"
    )

    await Migrations("order").apply(database_url)

    after = await add_order(connection, 2)
    assert await numbers(connection) == {old: 1001, after: 1002}
    await connection.close()
