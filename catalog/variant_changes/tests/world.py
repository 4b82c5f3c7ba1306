"""The use cases of products, variants and stock together, on fakes and on PostgreSQL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from catalog.events import TOPIC
from catalog.options import OptionValue, ProductOption
from catalog.products.domain import Product, ProductWithStock
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeCache, FakeProductStore, draft
from catalog.products.use_cases import Products
from catalog.stock.domain import StockChange
from catalog.stock.store import PostgresStockStore
from catalog.stock.tests.fakes import FakeStockStore
from catalog.stock.use_cases import Stock
from catalog.variant_changes.declaration import Declaration, Declared
from catalog.variant_changes.domain import Changes
from catalog.variant_changes.store import PostgresVariantStore
from catalog.variant_changes.use_cases import VariantChanges
from catalog.variants.domain import Terms, VariantWithStock
from catalog.variants.tests.fakes import FakeVariantStore
from catalog.variants.use_cases import Variants
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from kit.testing.principals import admin
from kit.values import Money

__all__ = ["World", "database_url", "declared", "postgres", "real", "world"]

SIZES = {"Size": ("S", "M", "L")}


class World:
    """Shorthands for an ADMIN's changes."""

    def __init__(self, db: Any, products: Any, stock: Any, variants: Any) -> None:
        self.db, self.clock, self.admin = db, FakeClock(), admin()
        cache: Any = FakeCache(products)
        self.products = Products(db, products, stock, cache, clock=self.clock)
        self.stock = Stock(db, stock, products, clock=self.clock)
        self.changes = VariantChanges(db, variants, stock, cache, clock=self.clock)
        self.variants = Variants(variants, cache)

    async def product(self, **fields: Any) -> UUID:
        return (await self.products.create(self.admin, draft(**fields))).product.id

    async def get(self, product_id: UUID) -> ProductWithStock:
        return await self.products.get(product_id)

    async def declare(
        self,
        product_id: UUID,
        options: Mapping[str, Sequence[str]],
        *variants: Declared,
        expected_version: int | None = None,
    ) -> Product:
        self.clock.advance(seconds=1)
        named = [ProductOption(name, tuple(values)) for name, values in options.items()]
        return await self.changes.declare(
            self.admin,
            product_id,
            Declaration.parse(named, variants),
            expected_version=expected_version,
        )

    async def update(
        self, variant_id: UUID, *, expected_version: int | None = None, **changes: Any
    ) -> VariantWithStock:
        return await self.changes.update(
            self.admin, variant_id, Changes(**changes), expected_version=expected_version
        )

    async def all_of(self, product_id: UUID, **options: str) -> list[VariantWithStock]:
        chosen = [OptionValue(name, value) for name, value in options.items()]
        return list((await self.variants.page(product_id, chosen, None, 100, count=False)).items)

    async def by_option(self, product_id: UUID) -> dict[str, VariantWithStock]:
        """By the values of the options, joined by spaces."""
        variants = await self.all_of(product_id)
        return {" ".join(o.value for o in item.variant.options): item for item in variants}

    async def adjust(self, variant_id: UUID, delta: int, *, by_product: bool = False) -> ProductWithStock:
        change = StockChange.parse(variant_id, delta, "", uuid4().hex, by_product=by_product)
        return await self.stock.adjust(self.admin, change)


def declared(
    *values: str,
    id: UUID | None = None,
    minor: int = 1000,
    stock: int | None = None,
    names: Sequence[str] = ("Size", "Color", "Length"),
    **terms: Any,
) -> Declared:
    """A variant with these values of Size, Color and Length, in dollars."""
    options = tuple(OptionValue(*option) for option in zip(names, values, strict=False))
    return Declared(id, options, Terms(Money(minor, "USD"), **terms), stock)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[World]:
    async with migrated(database_url, "catalog", publishes=TOPIC, pool_size=20) as db:
        yield World(db, PostgresProductStore(db), PostgresStockStore(db), PostgresVariantStore(db))


@pytest.fixture(params=["fake", "postgresql"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "postgresql":
        real: World = request.getfixturevalue("real")
        return real
    products, stock = FakeProductStore(), FakeStockStore()
    return World(FakeDatabase(), products, stock, FakeVariantStore(products, stock))
