"""ADMINs at the same products at the same moment, on PostgreSQL: versions, skus and categories."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextvars import Context
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
from kit.db import Database, Migrations
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import admin

__all__ = ["database_url", "postgres"]


@dataclass
class Shop:
    """The use cases on a real database."""

    db: Database
    products: Products
    rows: PostgresProductStore

    async def make(self, name: str = "Mug", *, sku: str = "", category: str = "") -> UUID:
        return (await self.products.create(admin(), draft(name, sku=sku, category=category))).product.id

    async def change(self, product_id: UUID, version: int | None = None, **fields: Any) -> ProductWithStock:
        changes = Changes.parse(**fields)
        return await self.products.update(admin(), product_id, changes, expected_version=version)

    async def version(self, product_id: UUID) -> int:
        [product] = await self.rows.get_many([product_id])
        return product.version


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    await Migrations("catalog").apply(database_url)
    db = Database(database_url, publishes=TOPIC, pool_size=16)
    await db.open()
    rows = PostgresProductStore(db)
    no_cache = FakeCache(FakeProductStore())
    products = Products(db, rows, PostgresStockStore(db), no_cache, clock=FakeClock())
    yield Shop(db, products, rows)
    await db.close()


async def test_one_of_many_who_read_the_same_version_changes_it(shop: Shop) -> None:
    mug = await shop.make()
    answers = await _at_once(shop.change(mug, 1, name=f"Mug {turn}") for turn in range(20))

    refused = [answer for answer in answers if isinstance(answer, VersionConflict)]
    assert [answer.details["version"] for answer in refused] == [2] * 19
    assert await shop.version(mug) == 2


async def test_changes_without_a_version_all_count_and_none_is_lost(shop: Shop) -> None:
    mug = await shop.make()
    await _at_once(shop.change(mug, name=f"Mug {turn}") for turn in range(20))
    assert await shop.version(mug) == 21
    events = await shop.db.fetchval("SELECT count(*) FROM outbox WHERE topic = 'souk.catalog.v1'")
    assert events == 21


async def test_a_sku_goes_to_one_of_many(shop: Shop) -> None:
    mugs = [await shop.make() for _ in range(5)]
    answers = await _at_once(
        [*(shop.make(sku="MUG-1") for _ in range(10)), *(shop.change(mug, sku="MUG-1") for mug in mugs)]
    )
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [SkuTaken] * 14


async def test_a_sku_is_free_again_once_its_product_is_deleted(shop: Shop) -> None:
    mug = await shop.make(sku="MUG-1")
    await shop.products.delete(admin(), mug)
    assert await shop.make(sku="MUG-1") != mug


async def test_a_product_is_deleted_once_and_never_changed_after(shop: Shop) -> None:
    mug = await shop.make()
    ends = [shop.products.delete(admin(), mug) for _ in range(5)]
    answers = await _at_once([*ends, *(shop.change(mug, name=f"Mug {turn}") for turn in range(5))])
    deleted, changed = answers[:5], [answer for answer in answers[5:] if isinstance(answer, ProductWithStock)]
    assert len([answer for answer in deleted if isinstance(answer, ProductWithStock)]) == 1
    assert {type(answer) for answer in answers} <= {ProductWithStock, ProductNotFound}
    row = await shop.db.fetchrow("SELECT version, delete_time FROM products WHERE id = $1", mug)
    assert row
    assert (row["version"], row["delete_time"] is None) == (2 + len(changed), False)


async def test_a_category_that_many_name_at_once_is_made_once(shop: Shop) -> None:
    await _at_once(shop.make(category=name) for name in ["Kitchen & Home", "KITCHEN  & home"] * 8)
    [counted] = await PostgresCategoryStore(shop.db).list_with_counts()
    assert (counted.category.slug, counted.products) == ("kitchen-home", 16)


async def _at_once(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Each in a task of its own that knows no transaction; refusals are among the answers."""

    async def run(call: Awaitable[Any]) -> Any:
        return await call

    tasks = [asyncio.create_task(run(call), context=Context()) for call in calls]
    return list(await asyncio.gather(*tasks, return_exceptions=True))
