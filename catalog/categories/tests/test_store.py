"""The contract of categories' stores, on the fake and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from catalog.categories.domain import Category
from catalog.categories.ports import CategoryStore
from catalog.categories.store import PostgresCategoryStore
from catalog.events import TOPIC
from catalog.products.domain import Product
from catalog.products.ports import ProductStore
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeProductStore, draft
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated

__all__ = ["database_url", "postgres"]


@dataclass
class Stores:
    """The stores with their database, fake or real."""

    db: Any
    categories: CategoryStore
    products: ProductStore
    clock: FakeClock

    async def category(self, name: str) -> Category:
        async with self.db.transaction() as tx:
            return await self.products.find_or_create_category(tx, Category.from_name(name))

    async def product(self, category: str = "") -> Product:
        stored = await self.category(category) if category else None
        product, _ = Product.create(draft(), stored, self.clock.now)
        async with self.db.transaction() as tx:
            await self.products.add(tx, product)
        return product

    async def delete(self, product: Product) -> None:
        async with self.db.transaction() as tx:
            await self.products.delete(tx, product.id, product.version + 1, self.clock.now)


@pytest.fixture(params=["fake", "postgresql"])
async def stores(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stores]:
    if request.param == "fake":
        fake = FakeProductStore()
        yield Stores(FakeDatabase(), fake, fake, FakeClock())
        return
    async with migrated(database_url, "catalog", publishes=TOPIC) as db:
        yield Stores(db, PostgresCategoryStore(db), PostgresProductStore(db), FakeClock())


async def test_a_category_is_found_by_its_name_in_any_spelling_or_by_its_slug(stores: Stores) -> None:
    first = await stores.category("Café Goods")
    for name in ("CAFÉ  goods", "Cafe\u0301 Goods", "cafe-goods"):
        assert await stores.category(name) == first
    [only] = await stores.categories.list_with_counts()
    assert (only.category, only.products) == (first, 0)
    if not isinstance(stores.db, FakeDatabase):
        assert len(set(await asyncio.gather(*(stores.category("Shoes") for _ in range(5))))) == 1
        others = await asyncio.gather(*(stores.category(name) for name in ("X!", "X?", "X", "X!", "X?")))
        assert len({category.slug for category in others}) == 3


@pytest.mark.parametrize(
    "names",
    [["A", "A+", "A!"], [".NET", "NET"], ["கா", "கி", "க"], ["မာ", "မိ"], ["ກາ", "ກິ"], ["Bo", "Bò", "Bơ"]],
)
async def test_different_names_get_different_categories_and_slugs(stores: Stores, names: list[str]) -> None:
    categories = [await stores.category(name) for name in names]

    assert [category.name for category in categories] == names
    assert len({category.slug for category in categories}) == len({category.id for category in categories})
    assert len({category.slug for category in categories}) == len(names)
    assert [await stores.category(name) for name in names] == categories
    assert [await stores.category(category.slug) for category in categories] == categories


async def test_categories_are_listed_with_the_number_of_their_active_products(stores: Stores) -> None:
    await stores.product()
    for category in ("Kitchen", "Kitchen", "Garden"):
        await stores.product(category)
    await stores.delete(await stores.product("Kitchen"))
    await stores.delete(await stores.product("Attic"))

    counted = [(row.category.name, row.products) for row in await stores.categories.list_with_counts()]

    assert counted == [("Attic", 0), ("Garden", 1), ("Kitchen", 2)]
