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
from catalog.stock.ports import StockStore
from catalog.stock.store import PostgresStockStore
from catalog.stock.tests.fakes import FakeStockStore
from kit.db.fake import FakeDatabase
from kit.errors import IdempotencyConflict
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated

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
    async with migrated(database_url, "catalog", publishes=TOPIC) as db:
        yield Stores(db, PostgresProductStore(db), PostgresStockStore(db), FakeClock())


async def test_adjustments_record_actor_action_time_and_reason(stores: Stores) -> None:
    mug, admin_id = await stores.product(5), uuid4()
    adjustment = StockChange.parse(mug, -2, "broken", "monday").to_adjustment(admin_id, stores.clock.now)

    await stores.write(adjustment, 5, 3)

    assert await stores.free(mug) == 3
    first, second = await stores.stock.list_adjustments(mug)
    assert (first.action, first.delta, second) == (Action.CREATE, 5, adjustment)
    assert (adjustment.action, adjustment.delta, adjustment.reason, adjustment.actor_id) == (
        Action.ADJUST,
        -2,
        "broken",
        admin_id,
    )
    async with stores.db.transaction() as tx:
        assert await stores.stock.adjustment(tx, adjustment.id) == adjustment
        assert await stores.stock.adjustment(tx, uuid4()) is None


async def test_an_adjustment_id_cannot_be_used_for_two_products(stores: Stores) -> None:
    mug, cup, admin_id = await stores.product(5), await stores.product(5), uuid4()
    for_mug, for_cup = (
        StockChange.parse(product_id, 1, "", "monday").to_adjustment(admin_id, stores.clock.now)
        for product_id in (mug, cup)
    )
    await stores.write(for_mug, 5, 6)

    with pytest.raises(IdempotencyConflict):
        await stores.write(for_cup, 5, 6)
    assert await stores.free(cup) == 5


@pytest.mark.parametrize(
    ("before", "after", "available"),
    [(5, 0, False), (0, 5, True), (0, None, True), (None, 0, False)],
)
async def test_selling_out_and_restocking_change_availability(
    stores: Stores, before: int | None, after: int | None, available: bool
) -> None:
    mug = await stores.product(before)
    await stores.write(
        StockOverride.parse(mug, after, None, "").to_adjustment(before, uuid4(), stores.clock.now),
        before,
        after,
    )
    assert await stores.availability_changes() == {mug: available}


@pytest.mark.parametrize(("before", "after"), [(5, 6), (5, None), (None, 5), (0, 0)])
async def test_other_changes_of_stock_do_not_change_availability(
    stores: Stores, before: int | None, after: int | None
) -> None:
    mug = await stores.product(before)
    await stores.write(
        StockOverride.parse(mug, after, None, "").to_adjustment(before, uuid4(), stores.clock.now),
        before,
        after,
    )
    assert await stores.availability_changes() == {}
