"""The contract of ProductStore, on the fake and on PostgreSQL."""
# ruff: noqa: RUF001 (letters that look like others are what is tested)

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest

from catalog.domain import Category, Changes, Product, category_identity, sku_identity
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


async def shelf(kept: Kept, name: str) -> Category:
    async with kept.db.transaction() as tx:
        return await kept.store.category(tx, Category.named(name))


async def test_a_name_however_it_is_written_or_its_slug_is_the_same_category(kept: Kept) -> None:
    first = await shelf(kept, "Café Goods")
    for name in ("CAFÉ  goods", "Cafe\u0301 Goods", "cafe-goods"):
        assert await shelf(kept, name) == first
    assert await kept.store.categories() == [(first, 0)]
    if not isinstance(kept.db, FakeDatabase):
        assert len(set(await asyncio.gather(*(shelf(kept, "Shoes") for _ in range(5))))) == 1
        others = await asyncio.gather(*(shelf(kept, name) for name in ("X!", "X?", "X", "X!", "X?")))
        assert len({each.slug for each in others}) == 3


@pytest.mark.parametrize(
    "names",
    [["A", "A+", "A!"], [".NET", "NET"], ["கா", "கி", "க"], ["မာ", "မိ"], ["ກາ", "ກິ"], ["Bo", "Bò", "Bơ"]],
)
async def test_names_that_differ_have_categories_and_slugs_of_their_own(kept: Kept, names: list[str]) -> None:
    made = [await shelf(kept, name) for name in names]

    assert [each.name for each in made] == names
    assert len({each.slug for each in made}) == len({each.id for each in made}) == len(names)
    assert [await shelf(kept, name) for name in names] == made
    assert [await shelf(kept, each.slug) for each in made] == made


@pytest.mark.parametrize("other", ["mug-É", "MUG-e", "Mug-e\u0301", "ＭＵＧ-E"])
async def test_a_sku_is_taken_however_it_is_written(kept: Kept, other: str) -> None:
    await kept.product(sku="Mug-é")
    with pytest.raises(SkuTaken):
        await kept.product(sku=other)
    assert (await kept.product(sku="Mug e")).sku == "Mug e"


async def test_categories_are_counted_by_their_living_products(kept: Kept) -> None:
    await kept.product()
    for category in ("Kitchen", "Kitchen", "Garden"):
        await kept.product(category=category)
    await kept.delete(await kept.product(category="Kitchen"))
    await kept.delete(await kept.product(category="Attic"))

    counted = await kept.store.categories()

    assert [(each.name, count) for each, count in counted] == [("Attic", 0), ("Garden", 1), ("Kitchen", 2)]


async def test_identities_are_the_same_in_postgresql(database_url: str) -> None:
    texts = ["Abc", "ＡＢＣ", "É\u200b-1", "Straße", "ΣΊΣΥΦΟΣ", "İ", "கி", " a  B ", "한", "ﾊﾟ", "Ёж", "½"]
    await Migrations("catalog").apply(database_url)
    connection = await asyncpg.connect(database_url)

    for text in texts:
        assert await connection.fetchval("SELECT category_identity($1)", text) == category_identity(text), (
            text
        )
        assert await connection.fetchval("SELECT sku_identity($1)", text) == sku_identity(text), text
    await connection.close()


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
    kept = Kept(db, PostgresProductStore(db), FakeClock())
    with pytest.raises(SkuTaken):
        await kept.product(sku="ABC")
    [oldest, second] = sorted(await kept.store.get_many(ids[:2]), key=lambda product: ids.index(product.id))
    await kept.delete(oldest)
    with pytest.raises(SkuTaken):
        await kept.product(sku="ABC")
    async with db.transaction() as tx:
        await kept.store.save(tx, replace(second, name="Mug"))
        await kept.store.save(tx, replace(second, sku="free"))
    assert (await kept.product(sku="ABC")).sku == "ABC"
    await db.close()
