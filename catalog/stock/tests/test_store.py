"""The contract of StockStore, on the fake and on PostgreSQL. Stock that reservations take and return is in their tests."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from catalog.events import TOPIC
from catalog.products.domain import Product
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeProductStore, draft
from catalog.stock.domain import Action, Adjustment, StockChange, StockOverride
from catalog.stock.errors import IdempotencyConflict
from catalog.stock.ports import StockStore
from catalog.stock.store import PostgresStockStore
from catalog.stock.tests.fakes import FakeStockStore
from kit.db import Database, Migrations
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "postgres"]


@dataclass
class Stores:
    """The stores with their database, fake or real."""

    db: Any
    products: Any
    stock: StockStore
    clock: FakeClock

    async def product(self, stock: int | None = None) -> UUID:
        product, _ = Product.create(draft(), None, self.clock.now)
        async with self.db.transaction() as tx:
            await self.products.add(tx, product)
            if stock is not None:
                initial = Adjustment.initial(product.id, stock, uuid4(), self.clock.now)
                await self.stock.write(tx, initial, before=None, after=stock)
        return product.id

    async def free(self, product_id: UUID) -> int | None:
        return (await self.stock.free([product_id])).get(product_id)

    async def write(self, adjustment: Adjustment, before: int | None, after: int | None) -> None:
        async with self.db.transaction() as tx:
            assert await self.stock.lock(tx, adjustment.product_id) == before
            await self.stock.write(tx, adjustment, before=before, after=after)

    async def availability_changes(self) -> dict[UUID, bool]:
        async with self.db.transaction() as tx:
            return dict(await self.stock.pop_availability_changes(tx, 100, self.clock.now))


@pytest.fixture(params=["fake", "postgresql"])
async def stores(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Stores]:
    if request.param == "fake":
        yield Stores(FakeDatabase(), FakeProductStore(), FakeStockStore(), FakeClock())
        return
    await Migrations("catalog").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    yield Stores(db, PostgresProductStore(db), PostgresStockStore(db), FakeClock())
    await db.close()


async def test_adjustments_are_kept_with_who_did_what_when_and_why(stores: Stores) -> None:
    mug, boss = await stores.product(5), uuid4()
    made = StockChange.parse(mug, -2, "broken", "monday").to_adjustment(boss, stores.clock.now)

    await stores.write(made, 5, 3)

    assert await stores.free(mug) == 3
    first, second = await stores.stock.list_adjustments(mug)
    assert (first.action, first.delta, second) == (Action.CREATE, 5, made)
    assert (made.action, made.delta, made.reason, made.actor_id) == (Action.ADJUST, -2, "broken", boss)
    async with stores.db.transaction() as tx:
        assert await stores.stock.adjustment(tx, made.id) == made
        assert await stores.stock.adjustment(tx, uuid4()) is None


async def test_an_adjustments_id_stands_for_one_product(stores: Stores) -> None:
    mug, cup, boss = await stores.product(5), await stores.product(5), uuid4()
    for_mug, for_cup = (
        StockChange.parse(it, 1, "", "monday").to_adjustment(boss, stores.clock.now) for it in (mug, cup)
    )
    await stores.write(for_mug, 5, 6)

    with pytest.raises(IdempotencyConflict):
        await stores.write(for_cup, 5, 6)
    assert await stores.free(cup) == 5


@pytest.mark.parametrize(
    ("before", "after", "published"),
    [(5, 0, False), (0, 5, True), (0, None, True), (None, 0, False)],
)
async def test_stock_that_is_set_tells_when_the_product_runs_out_or_comes_back(
    stores: Stores, before: int | None, after: int | None, published: bool
) -> None:
    mug = await stores.product(before)
    await stores.write(
        StockOverride.parse(mug, after, None, "").replace(before, uuid4(), stores.clock.now), before, after
    )
    assert await stores.availability_changes() == {mug: published}


@pytest.mark.parametrize(("before", "after"), [(5, 6), (5, None), (None, 5), (0, 0)])
async def test_stock_that_is_set_otherwise_tells_nothing(
    stores: Stores, before: int | None, after: int | None
) -> None:
    mug = await stores.product(before)
    await stores.write(
        StockOverride.parse(mug, after, None, "").replace(before, uuid4(), stores.clock.now), before, after
    )
    assert await stores.availability_changes() == {}
