"""The contract of ProductStore, on the fake and on PostgreSQL."""
# ruff: noqa: RUF001 (letters that look like others are what is tested)

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest

from catalog.categories.domain import Category
from catalog.events import TOPIC
from catalog.products.domain import Changes, Product
from catalog.products.errors import SkuTaken
from catalog.products.ports import ProductStore
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeProductStore, draft
from kit.db import Database, Migrations
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.values import PRODUCT

__all__ = ["database_url", "postgres"]


@dataclass
class Stores:
    """A store with its database, fake or real."""

    db: Any
    store: ProductStore
    clock: FakeClock

    async def product(self, name: str = "Mug", *, sku: str = "", category: str = "") -> Product:
        async with self.db.transaction() as tx:
            new = Category.from_name(category)
            found = await self.store.find_or_create_category(tx, new) if category else None
            made, _ = Product.create(draft(name, sku=sku), found, self.clock.now)
            await self.store.add(tx, made)
        self.clock.advance(seconds=1)
        return made

    async def delete(self, product: Product) -> None:
        async with self.db.transaction() as tx:
            await self.store.delete(tx, product.id, product.version + 1, self.clock.now)


@pytest.fixture(params=["fake", "postgresql"])
async def stores(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stores]:
    if request.param == "fake":
        yield Stores(FakeDatabase(), FakeProductStore(), FakeClock())
        return
    await Migrations("catalog").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    yield Stores(db, PostgresProductStore(db), FakeClock())
    await db.close()


async def test_a_product_comes_back_as_it_was(stores: Stores) -> None:
    made = await stores.product(sku="MUG-1", category="Kitchen & Home")
    assert await stores.store.get_many([made.id, PRODUCT.new()]) == [made]
    assert made.category
    assert made.category.slug == "kitchen-home"


async def test_a_sku_belongs_to_one_living_product(stores: Stores) -> None:
    first = await stores.product(sku="MUG-1")
    with pytest.raises(SkuTaken):
        await stores.product(sku="MUG-1")
    await stores.delete(first)
    assert (await stores.product(sku="MUG-1")).sku == "MUG-1"


async def test_products_without_a_sku_do_not_meet(stores: Stores) -> None:
    assert (await stores.product()).sku == (await stores.product()).sku == ""


async def test_a_deleted_product_is_gone_for_readers_and_writers(stores: Stores) -> None:
    made = await stores.product()
    await stores.delete(made)
    assert await stores.store.get_many([made.id]) == []
    assert await stores.store.list_newest(None, 10) == []
    async with stores.db.transaction() as tx:
        assert await stores.store.lock(tx, made.id) is None


async def test_a_changed_product_is_saved_whole(stores: Stores) -> None:
    made = await stores.product(sku="MUG-1", category="Kitchen")
    changes = Changes.parse(name="Cup", sku="", category="", image_urls=["https://example.com/a.png"])
    changed, _ = made.change(changes, None, stores.clock.now, expected_version=1)
    async with stores.db.transaction() as tx:
        await stores.store.save(tx, changed)
    assert await stores.store.get_many([made.id]) == [changed]


async def test_the_newest_come_first_page_by_page(stores: Stores) -> None:
    one, two, three = [await stores.product(name) for name in ("one", "two", "three")]
    assert await stores.store.list_newest(None, 2) == [three, two]
    assert await stores.store.list_newest((two.create_time, two.id), 2) == [one]


@pytest.mark.parametrize("other", ["mug-É", "MUG-e", "Mug-e\u0301", "ＭＵＧ-E"])
async def test_a_sku_is_taken_however_it_is_written(stores: Stores, other: str) -> None:
    await stores.product(sku="Mug-é")
    with pytest.raises(SkuTaken):
        await stores.product(sku=other)
    assert (await stores.product(sku="Mug e")).sku == "Mug e"


async def test_skus_that_met_before_are_kept_and_listed_and_no_more_are_added(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    migrations = Migrations("catalog")
    before = [each for each in migrations.all() if not each.name.startswith("catalog/0004")]
    with monkeypatch.context() as older:
        older.setattr(migrations, "all", lambda: before)
        await migrations.apply(database_url)
    connection = await asyncpg.connect(database_url)
    ids = [PRODUCT.new() for _ in range(3)]
    for at, (product_id, sku) in enumerate(zip(ids, ("abc", "Abc", "other"), strict=True)):
        await connection.execute(
            "INSERT INTO products (id, name, description, price, currency, sku, image_urls, version, create_time, update_time)"
            " VALUES ($1, 'Mug' || chr(8238), '', 1, 'USD', $2, '{}', 1, now() + $3 * interval '1 second', now())",
            product_id,
            sku,
            at,
        )

    await migrations.apply(database_url)

    assert f'product {ids[1]} has the sku "Abc" like product {ids[0]} with "abc"' in str(
        [each.__dict__ for each in caplog.records]
    )
    assert sum("migration.found" in each.getMessage() for each in caplog.records) == 4
    assert await connection.fetchval("SELECT count(*) FROM products") == 3
    await connection.close()
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    stores = Stores(db, PostgresProductStore(db), FakeClock())
    with pytest.raises(SkuTaken):
        await stores.product(sku="ABC")
    [oldest, second] = sorted(await stores.store.get_many(ids[:2]), key=lambda product: ids.index(product.id))
    await stores.delete(oldest)
    with pytest.raises(SkuTaken):
        await stores.product(sku="ABC")
    async with db.transaction() as tx:
        await stores.store.save(tx, replace(second, name="Mug"))
        await stores.store.save(tx, replace(second, sku="free"))
    assert (await stores.product(sku="ABC")).sku == "ABC"
    await db.close()
