"""What the catalog does not keep: reservations that are over, and single changes of stock. Stock stays as it is."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from catalog.adjustment_store import AdjustmentHistory
from catalog.domain import Product
from catalog.retention import retentions
from catalog.settings import Settings
from catalog.stock_domain import Action, Adjustment, Reservation, Want, Wish
from catalog.stock_store import PostgresStockStore
from catalog.store import PostgresProductStore
from catalog.tests.fakes import draft
from kit.db import Database, Migrations
from kit.settings import load
from kit.testing.copy_rows import copy_rows
from kit.testing.fixtures import database_url, postgres
from kit.values import utc_now
from kit.work import Retention

__all__ = ["database_url", "postgres"]

_DAYS = timedelta(days=30)


class Shop:
    """The stores of stock on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.stock = PostgresStockStore(db)

    async def product(self, stock: int) -> UUID:
        now = utc_now()
        made, _ = Product.create(draft("Mug"), None, now)
        async with self.db.transaction() as tx:
            await PostgresProductStore(self.db).add(tx, made)
            begun = Adjustment.begun(made.id, stock, uuid4(), now)
            await self.stock.write(tx, begun, before=None, after=stock)
        return made.id

    async def held(self, product_id: UUID) -> UUID:
        now = utc_now()
        wish = Wish(uuid4(), (Want(product_id, 1),), None)
        [outcome] = await self.stock.reserve([wish], now, now + timedelta(minutes=15))
        assert isinstance(outcome, Reservation)
        return outcome.order_id

    async def sum(self, product_id: UUID) -> int:
        return sum(each.delta for each in await self.stock.adjustments(product_id))


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    await Migrations("catalog").apply(database_url)
    db = Database(database_url)
    await db.open()
    yield Shop(db)
    await db.close()


async def test_reservations_that_are_over_go_with_their_lines_and_sold_ones_stay(shop: Shop) -> None:
    mug = await shop.product(10)
    held, sold, released, returned = [await shop.held(mug) for _ in range(4)]
    refused = uuid4()  # cancelled before it was reserved: a tombstone
    await shop.stock.commit([sold, returned], utc_now())
    await shop.stock.release(shop.db, [released, returned, refused], utc_now())
    await shop.db.execute("UPDATE reservations SET update_time = update_time - interval '91 days'")
    recent = await shop.held(mug)
    await shop.stock.release(shop.db, [recent], utc_now())

    job, _ = retentions(shop.db, load(Settings, {"PROFILE": "development"}))
    assert isinstance(job, Retention)
    await job.prune()

    left = {row["order_id"] for row in await shop.db.fetch("SELECT order_id FROM reservations")}
    lines = {row["order_id"] for row in await shop.db.fetch("SELECT order_id FROM reservation_lines")}
    assert (left, lines) == ({held, sold, recent}, {held, sold, recent})
    assert await shop.stock.free([mug]) == {mug: 8}


async def test_old_changes_of_stock_become_one_sum_a_product(shop: Shop) -> None:
    mug, cup = await shop.product(10), await shop.product(7)
    made = Adjustment(uuid4(), mug, Action.ADJUST, -1, "broken", uuid4(), utc_now())
    async with shop.db.transaction() as tx:
        await shop.stock.write(tx, made, before=10, after=9)
    await copy_rows(shop.db, "stock_adjustments", 2_500, id="gen_random_uuid()", delta="n % 7 - 3")
    await shop.db.execute("UPDATE stock_adjustments SET create_time = create_time - interval '31 days'")
    before = {product: await shop.sum(product) for product in (mug, cup)}
    history = AdjustmentHistory(shop.db, _DAYS)

    assert await history.carry() == 2_503

    assert {product: await shop.sum(product) for product in (mug, cup)} == before
    assert [each.action for each in await shop.stock.adjustments(mug)] == [Action.CARRIED]
    await copy_rows(shop.db, "stock_adjustments", 1, id="gen_random_uuid()", action="'ADJUST'", delta="5")
    assert await history.carry() == 1
    assert sum([await shop.sum(mug), await shop.sum(cup)]) == sum(before.values()) + 5
    assert await shop.db.fetchval("SELECT count(*) FROM stock_adjustments") == 2


async def test_recent_changes_of_stock_stay_and_so_do_their_keys(shop: Shop) -> None:
    mug = await shop.product(10)
    assert await AdjustmentHistory(shop.db, _DAYS).carry() == 0
    assert [each.action for each in await shop.stock.adjustments(mug)] == [Action.CREATE]


async def test_replicas_share_old_changes_of_stock(shop: Shop) -> None:
    mug = await shop.product(10)
    await copy_rows(shop.db, "stock_adjustments", 5_000, id="gen_random_uuid()", delta="1")
    await shop.db.execute("UPDATE stock_adjustments SET create_time = create_time - interval '31 days'")

    jobs = [AdjustmentHistory(shop.db, _DAYS).carry() for _ in range(3)]

    # One that meets only rows that another has locked is done for now.
    assert sum(await asyncio.gather(*jobs)) + await AdjustmentHistory(shop.db, _DAYS).carry() == 5_001
    assert await shop.sum(mug) == 5_010
