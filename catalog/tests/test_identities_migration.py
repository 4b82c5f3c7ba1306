"""Migrations 0004 and 0008: SKUs become unique by identity while products are read and written, and from every earlier state."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from kit.db import MigrationError, Migrations
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from kit.testing.rival import rival

__all__ = ["database_url", "postgres"]

# Pairs: SKU-1 and sku-1 have one identity, and the older one keeps it.
_PAIRS = 1500
_PRODUCTS = """
INSERT INTO products (id, name, description, price, currency, sku, image_urls, version, create_time, update_time)
SELECT gen_random_uuid(), 'Mug', '', 1, 'USD', s.prefix || n, '{}', 1, now() + s.age * interval '1 s', now()
FROM generate_series(1, $1::integer) n, (VALUES ('SKU-', 0), ('sku-', 1)) AS s(prefix, age)
"""
_SHARED = "SELECT count(*) FROM products WHERE sku_shared"
_INDEXES = """
SELECT indexrelid::regclass::text, indisunique, indisvalid, pg_get_expr(indpred, indrelid), pg_get_indexdef(indexrelid, 1, true)
FROM pg_index WHERE indrelid IN ('products'::regclass, 'categories'::regclass) ORDER BY 1
"""


async def _apply(url: str, monkeypatch: pytest.MonkeyPatch, *, before: str) -> None:
    migrations = Migrations("catalog")
    earlier = [
        m for m in migrations.all() if not m.name.startswith("catalog/") or m.name < f"catalog/{before}"
    ]
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "all", lambda: earlier)
        await migrations.apply(url)


@pytest.fixture
async def connection(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A database in which SKUs are unique as they are written."""
    await _apply(database_url, monkeypatch, before="0004")
    connection = await asyncpg.connect(database_url)
    await connection.execute(_PRODUCTS, _PAIRS)
    yield connection
    await connection.close()


async def test_of_products_with_one_sku_the_oldest_keeps_it(connection: Any, database_url: str) -> None:
    await Migrations("catalog").apply(database_url)

    assert await connection.fetchval(_SHARED) == _PAIRS
    assert await connection.fetchval("SELECT bool_and(sku LIKE 'sku-%') FROM products WHERE sku_shared")
    assert await connection.fetchval("SELECT count(*) FROM variants WHERE sku_shared") == _PAIRS
    # Two that were there share an identity; a new one cannot have it.
    with pytest.raises(asyncpg.UniqueViolationError, match='"products_sku"'):
        await connection.execute(_PRODUCTS.replace("'SKU-'", "'Sku-'"), 1)


async def test_products_are_read_and_written_while_skus_are_compared(
    connection: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _apply(database_url, monkeypatch, before="0008")
    async with rival(database_url) as other:
        await other.hold("SELECT FROM products WHERE sku = 'sku-7' FOR UPDATE")
        migrating = asyncio.create_task(Migrations("catalog").apply(database_url))

        async def only_the_locked_one_is_left() -> bool:
            return bool(await connection.fetchval(_SHARED) == _PAIRS - 1)

        await eventually(only_the_locked_one_is_left)
        await connection.execute("UPDATE products SET price = price + 1 WHERE sku = 'sku-8'", timeout=5)
        assert not migrating.done()
        await other.end()
        await migrating

    assert await connection.fetchval(_SHARED) == _PAIRS


async def test_a_run_that_is_killed_is_continued_by_the_next(
    connection: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _apply(database_url, monkeypatch, before="0008")
    async with rival(database_url) as other:
        await other.hold("SELECT FROM products WHERE sku = 'sku-7' FOR UPDATE")
        migrating = asyncio.create_task(Migrations("catalog").apply(database_url))

        async def some_are_marked() -> bool:
            return bool(await connection.fetchval(_SHARED))

        await eventually(some_are_marked)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'souk-migrate'"
        )
        with pytest.raises((MigrationError, asyncpg.PostgresError, ConnectionError)):
            await migrating
        assert await connection.fetchval(_SHARED)

    await Migrations("catalog").apply(database_url)

    assert await connection.fetchval(_SHARED) == _PAIRS


async def test_databases_that_ran_the_replaced_files_get_the_same_indexes(
    connection: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _apply(database_url, monkeypatch, before="0004")
    await Migrations("catalog").apply(database_url)
    expected = await connection.fetch(_INDEXES)
    # Without the records of the new files, and with those of the files that they replace.
    await connection.execute(
        "DELETE FROM migrations WHERE name ~ '^catalog/00(04|08|13)_';"
        " INSERT INTO migrations VALUES ('catalog/0004_identities', ''), ('catalog/0008_sku_identity', '')"
    )

    applied = await Migrations("catalog").apply(database_url)

    assert [name[:12] for name in applied] == ["catalog/0004", "catalog/0008", "catalog/0013"]
    assert await connection.fetch(_INDEXES) == expected
    assert all(row["indisvalid"] for row in expected)
