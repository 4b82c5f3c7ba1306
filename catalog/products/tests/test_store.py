"""The contract of ProductStore, on the fake and on PostgreSQL."""
# ruff: noqa: RUF001 (tests similar letters)

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest

from catalog.categories.domain import Category
from catalog.events import TOPIC
from catalog.products.domain import Changes, Product
from catalog.products.errors import ProductNotFound, SkuTaken
from catalog.products.ports import ProductStore
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeProductStore, draft
from kit.db import Database, Migrations
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
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
            stored = await self.store.find_or_create_category(tx, new) if category else None
            product, _ = Product.create(draft(name, sku=sku), stored, self.clock.now)
            await self.store.add(tx, product)
        self.clock.advance(seconds=1)
        return product

    async def delete(self, product: Product) -> None:
        async with self.db.transaction() as tx:
            await self.store.delete(tx, product.id, product.version + 1, self.clock.now)


@pytest.fixture(params=["fake", "postgresql"])
async def stores(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stores]:
    if request.param == "fake":
        yield Stores(FakeDatabase(), FakeProductStore(), FakeClock())
        return
    async with migrated(database_url, "catalog", publishes=TOPIC) as db:
        yield Stores(db, PostgresProductStore(db), FakeClock())


async def test_a_saved_product_is_read_back_unchanged(stores: Stores) -> None:
    product = await stores.product(sku="MUG-1", category="Kitchen & Home")
    assert await stores.store.get_many([product.id, PRODUCT.new()]) == [product]
    assert product.category
    assert product.category.slug == "kitchen-home"


async def test_two_active_products_cannot_have_the_same_sku(stores: Stores) -> None:
    first = await stores.product(sku="MUG-1")
    with pytest.raises(SkuTaken):
        await stores.product(sku="MUG-1")
    await stores.delete(first)
    assert (await stores.product(sku="MUG-1")).sku == "MUG-1"


async def test_products_without_a_sku_do_not_conflict(stores: Stores) -> None:
    assert (await stores.product()).sku == (await stores.product()).sku == ""


async def test_a_deleted_product_can_be_neither_read_nor_locked(stores: Stores) -> None:
    product = await stores.product()
    await stores.delete(product)
    assert await stores.store.get_many([product.id]) == []
    assert await stores.store.list_newest(None, 10) == []
    with pytest.raises(ProductNotFound):
        async with stores.db.transaction() as tx:
            await stores.store.lock(tx, product.id)


async def test_all_fields_of_a_changed_product_are_saved(stores: Stores) -> None:
    product = await stores.product(sku="MUG-1", category="Kitchen")
    changes = Changes.parse(name="Cup", sku="", category="", image_urls=["https://example.com/a.png"])
    changed, _ = product.change(changes, None, stores.clock.now, expected_version=1)
    async with stores.db.transaction() as tx:
        await stores.store.save(tx, changed)
    assert await stores.store.get_many([product.id]) == [changed]


async def test_products_are_listed_newest_first_in_pages(stores: Stores) -> None:
    one, two, three = [await stores.product(name) for name in ("one", "two", "three")]
    assert await stores.store.list_newest(None, 2) == [three, two]
    assert await stores.store.list_newest((two.create_time, two.id), 2) == [one]


@pytest.mark.parametrize("other", ["mug-É", "MUG-e", "Mug-e\u0301", "ＭＵＧ-E"])
async def test_a_taken_sku_is_rejected_in_any_spelling(stores: Stores, other: str) -> None:
    await stores.product(sku="Mug-é")
    with pytest.raises(SkuTaken):
        await stores.product(sku=other)
    assert (await stores.product(sku="Mug e")).sku == "Mug e"


async def test_existing_sku_conflicts_are_kept_and_reported_and_new_ones_rejected(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    migrations = Migrations("catalog")
    earlier = [
        migration
        for migration in migrations.all()
        if not migration.name.startswith("catalog/") or migration.name < "catalog/0004"
    ]
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "all", lambda: earlier)
        await migrations.apply(database_url)
    connection = await asyncpg.connect(database_url)
    ids = [PRODUCT.new() for _ in range(3)]
    for index, (product_id, sku) in enumerate(zip(ids, ("abc", "Abc", "other"), strict=True)):
        await connection.execute(
            "INSERT INTO products (id, name, description, price, currency, sku, image_urls, version, create_time, update_time)"
            " VALUES ($1, 'Mug' || chr(8238), '', 1, 'USD', $2, '{}', 1, now() + $3 * interval '1 second', now())",
            product_id,
            sku,
            index,
        )

    await migrations.apply(database_url)

    assert f'product {ids[1]} has the sku "Abc" like product {ids[0]} with "abc"' in str(
        [record.__dict__ for record in caplog.records]
    )
    assert sum("migration.warning" in record.getMessage() for record in caplog.records) == 4
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
