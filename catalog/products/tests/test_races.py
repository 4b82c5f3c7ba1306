"""Concurrent writes of ADMINs, on PostgreSQL: versions, SKUs and categories."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from catalog.categories.store import PostgresCategoryStore
from catalog.events import TOPIC
from catalog.products.domain import Changes, ProductWithStock
from catalog.products.errors import ProductNotFound, SkuTaken, VersionConflict
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeCache, FakeProductStore, draft
from catalog.products.use_cases import Products
from catalog.stock.store import PostgresStockStore
from catalog.tests.concurrently import outcomes
from kit.db import Database
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from kit.testing.principals import admin

__all__ = ["database_url", "postgres"]


@dataclass
class Shop:
    """The use cases on a real database."""

    db: Database
    products: Products
    rows: PostgresProductStore

    async def create(self, name: str = "Mug", *, sku: str = "", category: str = "") -> UUID:
        return (await self.products.create(admin(), draft(name, sku=sku, category=category))).product.id

    async def change(self, product_id: UUID, version: int | None = None, **fields: Any) -> ProductWithStock:
        changes = Changes.parse(**fields)
        return await self.products.update(admin(), product_id, changes, expected_version=version)

    async def version(self, product_id: UUID) -> int:
        [product] = await self.rows.get_many([product_id])
        return product.version


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with migrated(database_url, "catalog", publishes=TOPIC, pool_size=16) as db:
        rows = PostgresProductStore(db)
        no_cache = FakeCache(FakeProductStore())
        products = Products(db, rows, PostgresStockStore(db), no_cache, clock=FakeClock())
        yield Shop(db, products, rows)


async def test_only_one_of_many_changes_of_the_same_version_is_applied(shop: Shop) -> None:
    mug = await shop.create()
    results = await outcomes(shop.change(mug, 1, name=f"Mug {turn}") for turn in range(20))

    conflicts = [result for result in results if isinstance(result, VersionConflict)]
    assert [conflict.details["version"] for conflict in conflicts] == [2] * 19
    assert await shop.version(mug) == 2


async def test_concurrent_changes_without_a_version_are_all_applied(shop: Shop) -> None:
    mug = await shop.create()
    await outcomes(shop.change(mug, name=f"Mug {turn}") for turn in range(20))
    assert await shop.version(mug) == 21
    events = await shop.db.fetchval("SELECT count(*) FROM outbox WHERE topic = 'souk.catalog.v1'")
    assert events == 21


async def test_only_one_of_many_concurrent_writers_gets_a_sku(shop: Shop) -> None:
    mugs = [await shop.create() for _ in range(5)]
    results = await outcomes(
        [*(shop.create(sku="MUG-1") for _ in range(10)), *(shop.change(mug, sku="MUG-1") for mug in mugs)]
    )
    assert [type(result) for result in results if isinstance(result, Exception)] == [SkuTaken] * 14


async def test_a_sku_is_free_again_once_its_product_is_deleted(shop: Shop) -> None:
    mug = await shop.create(sku="MUG-1")
    await shop.products.delete(admin(), mug)
    assert await shop.create(sku="MUG-1") != mug


async def test_a_product_is_deleted_once_and_not_changed_afterwards(shop: Shop) -> None:
    mug = await shop.create()
    deletions = [shop.products.delete(admin(), mug) for _ in range(5)]
    results = await outcomes([*deletions, *(shop.change(mug, name=f"Mug {turn}") for turn in range(5))])
    deleted, changed = results[:5], [result for result in results[5:] if isinstance(result, ProductWithStock)]
    assert len([result for result in deleted if isinstance(result, ProductWithStock)]) == 1
    assert {type(result) for result in results} <= {ProductWithStock, ProductNotFound}
    row = await shop.db.fetchrow("SELECT version, delete_time FROM products WHERE id = $1", mug)
    assert row
    assert (row["version"], row["delete_time"] is None) == (2 + len(changed), False)


async def test_concurrent_creations_share_one_new_category(shop: Shop) -> None:
    await outcomes(shop.create(category=name) for name in ["Kitchen & Home", "KITCHEN  & home"] * 8)
    [counted] = await PostgresCategoryStore(shop.db).list_with_counts()
    assert (counted.category.slug, counted.products) == ("kitchen-home", 16)
