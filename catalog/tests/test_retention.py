"""Retention of closed reservations and of adjustments; the stock does not change."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from catalog.products.domain import Product
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import draft
from catalog.reservations.domain import Reservation, ReservationRequest
from catalog.reservations.store import PostgresReservationStore
from catalog.retention import retentions
from catalog.settings import Settings
from catalog.stock.domain import Action, Adjustment
from catalog.stock.history import AdjustmentHistory
from catalog.stock.store import PostgresStockStore
from kit.db import Database
from kit.settings import load
from kit.testing.copy_rows import copy_rows
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from kit.values import utc_now
from kit.work import Retention

__all__ = ["database_url", "postgres"]

_DAYS = timedelta(days=30)


class Shop:
    """The stores of stock on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.stock = PostgresStockStore(db)
        self.reservations = PostgresReservationStore(db)

    async def product(self, stock: int) -> UUID:
        now = utc_now()
        product, _ = Product.create(draft("Mug"), None, now)
        async with self.db.transaction() as tx:
            await PostgresProductStore(self.db).add(tx, product)
            await self.stock.start_tracking(tx, product.id, stock, uuid4(), now)
        return product.id

    async def held(self, product_id: UUID) -> UUID:
        now = utc_now()
        request = ReservationRequest(uuid4(), {product_id: 1}, None)
        [outcome] = await self.reservations.reserve([request], now, now + timedelta(minutes=15))
        assert isinstance(outcome, Reservation)
        return outcome.order_id

    async def sum(self, product_id: UUID) -> int:
        return sum(row.delta for row in await self.stock.list_adjustments(product_id))


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with migrated(database_url, "catalog") as db:
        yield Shop(db)


async def test_closed_reservations_are_deleted_with_their_lines_and_sold_ones_are_kept(shop: Shop) -> None:
    mug = await shop.product(10)
    held, sold, released, returned = [await shop.held(mug) for _ in range(4)]
    unreserved = uuid4()  # cancelled before it was reserved
    await shop.reservations.commit([sold, returned], utc_now())
    await shop.reservations.release(shop.db, [released, returned, unreserved], utc_now())
    await shop.db.execute("UPDATE reservations SET update_time = update_time - interval '91 days'")
    recent = await shop.held(mug)
    await shop.reservations.release(shop.db, [recent], utc_now())

    job, _ = retentions(shop.db, load(Settings, {"PROFILE": "development"}))
    assert isinstance(job, Retention)
    await job.prune()

    left = {row["order_id"] for row in await shop.db.fetch("SELECT order_id FROM reservations")}
    lines = {row["order_id"] for row in await shop.db.fetch("SELECT order_id FROM reservation_lines")}
    assert (left, lines) == ({held, sold, recent}, {held, sold, recent})
    assert await shop.stock.free([mug]) == {mug: 8}


async def test_old_adjustments_become_one_sum_per_product(shop: Shop) -> None:
    mug, cup = await shop.product(10), await shop.product(7)
    adjustment = Adjustment(uuid4(), mug, Action.ADJUST, -1, "broken", uuid4(), utc_now())
    async with shop.db.transaction() as tx:
        await shop.stock.write(tx, adjustment, before=10, after=9)
    await copy_rows(shop.db, "stock_adjustments", 2_500, id="gen_random_uuid()", delta="n % 7 - 3")
    await shop.db.execute("UPDATE stock_adjustments SET create_time = create_time - interval '31 days'")
    before = {product: await shop.sum(product) for product in (mug, cup)}
    history = AdjustmentHistory(shop.db, _DAYS)

    assert await history.carry() == 2_503

    assert {product: await shop.sum(product) for product in (mug, cup)} == before
    assert [row.action for row in await shop.stock.list_adjustments(mug)] == [Action.CARRIED]
    await copy_rows(shop.db, "stock_adjustments", 1, id="gen_random_uuid()", action="'ADJUST'", delta="5")
    assert await history.carry() == 1
    assert sum([await shop.sum(mug), await shop.sum(cup)]) == sum(before.values()) + 5
    assert await shop.db.fetchval("SELECT count(*) FROM stock_adjustments") == 2


async def test_recent_adjustments_are_kept(shop: Shop) -> None:
    mug = await shop.product(10)
    assert await AdjustmentHistory(shop.db, _DAYS).carry() == 0
    assert [row.action for row in await shop.stock.list_adjustments(mug)] == [Action.CREATE]


async def test_replicas_share_the_work_on_old_adjustments(shop: Shop) -> None:
    mug = await shop.product(10)
    await copy_rows(shop.db, "stock_adjustments", 5_000, id="gen_random_uuid()", delta="1")
    await shop.db.execute("UPDATE stock_adjustments SET create_time = create_time - interval '31 days'")

    jobs = [AdjustmentHistory(shop.db, _DAYS).carry() for _ in range(3)]

    # A job that sees only locked rows stops early.
    assert sum(await asyncio.gather(*jobs)) + await AdjustmentHistory(shop.db, _DAYS).carry() == 5_001
    assert await shop.sum(mug) == 5_010
