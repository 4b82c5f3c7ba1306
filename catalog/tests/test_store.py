"""The contract of ProductStore, on the fake and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from catalog.domain import Category, Changes, Product
from catalog.errors import SkuTaken
from catalog.events import TOPIC
from catalog.ports import ProductStore
from catalog.store import PostgresProductStore
from catalog.tests.fakes import FakeProductStore, draft
from kit.db import Database, Migrations
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.values import PRODUCT

__all__ = ["database_url", "postgres"]


@dataclass
class Kept:
    """A store with its database, fake or real."""

    db: Any
    store: ProductStore
    clock: FakeClock

    async def product(self, name: str = "Mug", *, sku: str = "", category: str = "") -> Product:
        async with self.db.transaction() as tx:
            shelf = await self.store.category(tx, Category.named(category)) if category else None
            made, _ = Product.create(draft(name, sku=sku), shelf, self.clock.now)
            await self.store.add(tx, made)
        self.clock.advance(seconds=1)
        return made

    async def delete(self, product: Product) -> None:
        async with self.db.transaction() as tx:
            await self.store.delete(tx, product.id, product.version + 1, self.clock.now)


@pytest.fixture(params=["fake", "postgresql"])
async def kept(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Kept]:
    if request.param == "fake":
        yield Kept(FakeDatabase(), FakeProductStore(), FakeClock())
        return
    await Migrations("catalog").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    yield Kept(db, PostgresProductStore(db), FakeClock())
    await db.close()


async def test_a_product_comes_back_as_it_was(kept: Kept) -> None:
    made = await kept.product(sku="MUG-1", category="Kitchen & Home")
    assert await kept.store.get_many([made.id, PRODUCT.new()]) == [made]
    assert made.category
    assert made.category.slug == "kitchen-home"


async def test_a_sku_belongs_to_one_living_product(kept: Kept) -> None:
    first = await kept.product(sku="MUG-1")
    with pytest.raises(SkuTaken):
        await kept.product(sku="MUG-1")
    await kept.delete(first)
    assert (await kept.product(sku="MUG-1")).sku == "MUG-1"


async def test_products_without_a_sku_do_not_meet(kept: Kept) -> None:
    assert (await kept.product()).sku == (await kept.product()).sku == ""


async def test_a_deleted_product_is_gone_for_readers_and_writers(kept: Kept) -> None:
    made = await kept.product()
    await kept.delete(made)
    assert await kept.store.get_many([made.id]) == []
    assert await kept.store.newest(None, 10) == []
    async with kept.db.transaction() as tx:
        assert await kept.store.lock(tx, made.id) is None


async def test_a_changed_product_is_saved_whole(kept: Kept) -> None:
    made = await kept.product(sku="MUG-1", category="Kitchen")
    changes = Changes.read(name="Cup", sku="", category="", image_urls=["https://example.com/a.png"])
    changed, _ = made.change(changes, None, kept.clock.now, expected_version=1)
    async with kept.db.transaction() as tx:
        await kept.store.save(tx, changed)
    assert await kept.store.get_many([made.id]) == [changed]


async def test_the_newest_come_first_page_by_page(kept: Kept) -> None:
    one, two, three = [await kept.product(name) for name in ("one", "two", "three")]
    assert await kept.store.newest(None, 2) == [three, two]
    assert await kept.store.newest((two.create_time, two.id), 2) == [one]


async def test_a_name_with_the_same_slug_is_the_same_category(kept: Kept) -> None:
    async def shelf(name: str) -> Category:
        async with kept.db.transaction() as tx:
            return await kept.store.category(tx, Category.named(name))

    first = await shelf("Café Goods")
    assert [await shelf("cafe goods"), await shelf("cafe-goods")] == [first, first]
    assert await kept.store.categories() == [(first, 0)]
    if not isinstance(kept.db, FakeDatabase):
        assert len(set(await asyncio.gather(*(shelf("Shoes") for _ in range(5))))) == 1


async def test_categories_are_counted_by_their_living_products(kept: Kept) -> None:
    await kept.product()
    for category in ("Kitchen", "Kitchen", "Garden"):
        await kept.product(category=category)
    await kept.delete(await kept.product(category="Kitchen"))
    await kept.delete(await kept.product(category="Attic"))

    counted = await kept.store.categories()

    assert [(each.name, count) for each, count in counted] == [("Attic", 0), ("Garden", 1), ("Kitchen", 2)]
