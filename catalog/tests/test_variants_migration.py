"""Migrations 0009 to 0012: every product gets a variant, and replicas of the release before keep products and variants equal."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kit.db import Migrations
from kit.testing.fixtures import database_url, postgres
from kit.values import PRODUCT

__all__ = ["database_url", "postgres"]

# The statements of the release before.
_ADD = """
INSERT INTO products (id, name, description, price, currency, sku, category_id, image_urls, version, create_time, update_time)
VALUES ($1, 'Mug', '', $2, 'USD', $3, NULL, '{}', 1, now(), now())
"""
_SAVE = """
UPDATE products SET name = 'Mug', description = '', price = $2, sku = $3, sku_shared = sku_shared AND sku IS NOT DISTINCT FROM $3,
    category_id = NULL, image_urls = '{}', version = version + 1, update_time = now()
WHERE id = $1
"""
_DELETE = "UPDATE products SET version = version + 1, update_time = now(), delete_time = now() WHERE id = $1"
_DIFFERENT = """
SELECT count(*) FROM products p FULL JOIN variants v ON v.id = p.id
WHERE (p.id, p.price, p.sku, p.sku_shared, p.delete_time) IS DISTINCT FROM (v.product_id, v.price, v.sku, v.sku_shared, v.delete_time)
"""


async def _apply(url: str, monkeypatch: pytest.MonkeyPatch, *, before: str) -> None:
    migrations = Migrations("catalog")
    earlier = [m for m in migrations.all() if not m.name.startswith("catalog/") or m.name < before]
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "all", lambda: earlier)
        await migrations.apply(url)


@pytest.fixture
async def connection(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A database of the release before with products of all kinds."""
    await _apply(database_url, monkeypatch, before="catalog/0009")
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO products (id, name, description, price, currency, sku, image_urls, version, create_time, update_time, delete_time)"
        " SELECT gen_random_uuid(), 'Mug', '', n, 'USD', CASE WHEN n % 2 = 0 THEN 'SKU-' || n END, '{}', 1, now(), now(),"
        " CASE WHEN n % 7 = 0 THEN now() END FROM generate_series(1, 4500) n"
    )
    await connection.execute(
        "UPDATE products SET sku = 'sku-2', sku_shared = true WHERE sku = 'SKU-4'; INSERT INTO stock SELECT id, 5 FROM products"
    )
    yield connection
    await connection.close()


async def _add(connection: Any, price: int = 999, sku: str | None = None) -> UUID:
    product_id = PRODUCT.new()
    await connection.execute(_ADD, product_id, price, sku)
    return product_id


async def test_every_product_gets_a_variant_with_its_id(connection: Any, database_url: str) -> None:
    await Migrations("catalog").apply(database_url)

    assert await connection.fetchval("SELECT count(*) FROM variants") == 4500
    assert await connection.fetchval(_DIFFERENT) == 0
    assert await connection.fetchval(
        "SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = 'stock'::regclass"
    )
    # The stock of a variant: of anything else it is rejected.
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await connection.execute("INSERT INTO stock VALUES ($1, 1)", PRODUCT.new())


async def test_the_release_before_writes_variants_before_during_and_after_the_filling(
    connection: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _apply(database_url, monkeypatch, before="catalog/0010")
    new, changed = (
        await _add(connection, sku="NEW"),
        await connection.fetchval("SELECT id FROM products WHERE sku = 'SKU-6'"),
    )
    await connection.execute(_SAVE, changed, 1, "OTHER")
    await connection.execute(
        _DELETE, await connection.fetchval("SELECT id FROM products WHERE sku = 'SKU-8'")
    )

    await Migrations("catalog").apply(database_url)
    await connection.execute(_SAVE, new, 2000, None)
    shared = await connection.fetchval("SELECT id FROM products WHERE sku_shared")
    await connection.execute(_SAVE, shared, 7, "free again")
    await connection.execute(_DELETE, await _add(connection))

    assert await connection.fetchval(_DIFFERENT) == 0
    changes = "SELECT variant_id, old_price, new_price FROM price_changes ORDER BY id"
    assert [tuple(row) for row in await connection.fetch(changes)] == [(new, 999, 2000), (shared, 4, 7)]


async def test_a_compare_at_price_that_is_no_longer_higher_is_cleared(
    connection: Any, database_url: str
) -> None:
    await Migrations("catalog").apply(database_url)
    mug = await _add(connection, 999)
    await connection.execute("UPDATE variants SET compare_at = 1500 WHERE id = $1", mug)

    await connection.execute(_SAVE, mug, 1499, None)
    assert await connection.fetchval("SELECT compare_at FROM variants WHERE id = $1", mug) == 1500
    await connection.execute(_SAVE, mug, 1500, None)
    assert await connection.fetchval("SELECT compare_at FROM variants WHERE id = $1", mug) is None


async def test_the_release_before_cannot_change_price_and_sku_of_a_product_with_options(
    connection: Any, database_url: str
) -> None:
    await Migrations("catalog").apply(database_url)
    shirt = await _add(connection, 999, "SHIRT")
    await connection.execute(
        "UPDATE variants SET option_values = '{S}', option_key = 's', price = 500 WHERE id = $1", shirt
    )
    await connection.execute(
        "INSERT INTO variants (id, product_id, position, option_values, option_key, price) VALUES ($1, $2, 1, '{M}', 'm', 800)",
        PRODUCT.new(),
        shirt,
    )
    await connection.execute(
        """UPDATE products SET options = '[{"name": "Size", "values": ["S", "M"]}]', sku = NULL WHERE id = $1""",
        shirt,
    )

    await connection.execute(_SAVE, shirt, 1, "MINE")

    row = await connection.fetchrow("SELECT price, price_max, sku FROM products WHERE id = $1", shirt)
    assert tuple(row) == (500, 800, None)
    await connection.execute(_DELETE, shirt)
    assert (
        await connection.fetchval(
            "SELECT count(*) FROM variants WHERE product_id = $1 AND delete_time IS NULL", shirt
        )
        == 0
    )
