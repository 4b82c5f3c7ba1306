"""Concurrent ADMINs and orders on PostgreSQL: for every product, tracked or not, free + held + sold = the sum of its adjustments.

No quantity is ever negative.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from catalog.events import TOPIC
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeCache, FakeProductStore, draft
from catalog.products.use_cases import Products
from catalog.reservations.domain import Reservation, ReservationRequest, ReservationState
from catalog.reservations.store import PostgresReservationStore
from catalog.reservations.use_cases import Reservations
from catalog.stock.domain import StockChange, StockOverride
from catalog.stock.errors import InsufficientStock, StockConflict, StockNotTracked
from catalog.stock.store import PostgresStockStore
from catalog.stock.use_cases import Stock
from catalog.tests.concurrently import concurrently, outcomes
from kit.db import Database
from kit.errors import IdempotencyConflict, SoukError
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from kit.testing.principals import admin
from kit.testing.rival import rival

__all__ = ["database_url", "postgres"]

_STOCK_SUMS = """
SELECT p.id, coalesce(s.free, 0) AS free, coalesce(t.held, 0) AS held, coalesce(t.sold, 0) AS sold, coalesce(a.total, 0) AS adjusted
FROM products p
LEFT JOIN stock s ON s.product_id = p.id
LEFT JOIN (
    SELECT product_id, sum(taken) FILTER (WHERE state = 'HELD') AS held, sum(taken) FILTER (WHERE state = 'COMMITTED') AS sold
    FROM reservation_lines JOIN reservations USING (order_id) GROUP BY product_id
) t ON t.product_id = p.id
LEFT JOIN (SELECT product_id, sum(delta) AS total FROM stock_adjustments GROUP BY product_id) a ON a.product_id = p.id
"""


@dataclass
class Shop:
    """The use cases on a real database."""

    db: Database
    products: Products
    stock: Stock
    reservations: Reservations
    rows: PostgresStockStore
    clock: FakeClock

    async def product(self, stock: int | None) -> UUID:
        return (await self.products.create(self.admin, draft(stock=stock))).product.id

    async def adjust(self, product_id: UUID, delta: int, key: str = "") -> int | None:
        change = StockChange.parse(product_id, delta, "counted", key or str(uuid4()))
        return (await self.stock.adjust(self.admin, change)).stock

    async def set(self, product_id: UUID, stock: int | None, expected: int | None = None) -> int | None:
        override = StockOverride.parse(product_id, stock, expected, "")
        return (await self.stock.override(self.admin, override)).stock

    async def reserve(self, *lines: tuple[UUID, int], order_id: UUID | None = None) -> Reservation:
        return await self.reservations.reserve(ReservationRequest.parse(order_id or uuid4(), lines, None))

    async def cancel(self, order_id: UUID) -> None:
        """As the consumer of OrderCancelled does."""
        async with self.db.transaction() as tx:
            await self.reservations.release_cancelled(tx, [order_id])

    async def free(self, product_id: UUID) -> int | None:
        return (await self.rows.free([product_id])).get(product_id)

    async def check_sums(self) -> dict[UUID, tuple[int, int, int]]:
        """Free, held and sold quantities of each product; fails unless their sum equals its adjustments."""
        rows = await self.db.fetch(_STOCK_SUMS)
        assert rows
        for row in rows:
            assert row["free"] + row["held"] + row["sold"] == row["adjusted"], dict(row)
            assert min(row["free"], row["held"], row["sold"]) >= 0, dict(row)
        return {row["id"]: (row["free"], row["held"], row["sold"]) for row in rows}

    def __post_init__(self) -> None:
        self.admin = admin()


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with migrated(database_url, "catalog", publishes=TOPIC, pool_size=16) as db:
        clock, rows, product_rows = FakeClock(), PostgresStockStore(db), PostgresProductStore(db)
        no_cache = FakeCache(FakeProductStore())
        products = Products(db, product_rows, rows, no_cache, clock=clock)
        stock = Stock(db, rows, product_rows, clock=clock)
        store = PostgresReservationStore(db)
        reservations = Reservations(db, store, lifetime=timedelta(minutes=15), clock=clock)
        yield Shop(db, products, stock, reservations, rows, clock)


async def test_concurrent_adjustments_are_all_applied(shop: Shop) -> None:
    mug = await shop.product(0)
    await concurrently(shop.adjust(mug, 1) for _ in range(60))
    assert await shop.free(mug) == 60
    await shop.check_sums()


async def test_concurrent_adjustments_with_one_key_are_applied_once(shop: Shop) -> None:
    mug = await shop.product(10)
    results = await outcomes(shop.adjust(mug, -3, "count of monday") for _ in range(20))
    assert results == [7] * 20
    assert [adjustment.delta for adjustment in await shop.rows.list_adjustments(mug)] == [10, -3]


async def test_one_key_used_for_several_products_at_once_is_applied_to_one(shop: Shop) -> None:
    mugs = [await shop.product(10) for _ in range(8)]
    results = await outcomes(shop.adjust(mug, 5, "count of monday") for mug in mugs)
    assert results.count(15) == 1
    assert [type(result) for result in results if result != 15] == [IdempotencyConflict] * 7
    assert sum([await shop.free(mug) or 0 for mug in mugs]) == 85
    await shop.check_sums()


async def test_concurrent_takers_never_take_more_than_the_free_stock(shop: Shop) -> None:
    mug = await shop.product(50)
    calls = [shop.adjust(mug, -1) if turn % 2 else shop.reserve((mug, 1)) for turn in range(160)]
    results = await outcomes(calls)
    assert len([result for result in results if isinstance(result, SoukError)]) == 110
    assert {result.reason for result in results if isinstance(result, SoukError)} <= {
        "OUT_OF_STOCK",
        InsufficientStock.reason,
    }
    assert await shop.free(mug) == 0
    await shop.check_sums()


async def test_only_one_of_many_overrides_with_the_same_expectation_is_applied(shop: Shop) -> None:
    mug = await shop.product(5)
    results = await outcomes(shop.set(mug, 100 + turn, expected=5) for turn in range(20))
    conflicts = [result for result in results if isinstance(result, StockConflict)]
    assert len(conflicts) == 19
    [stock] = [result for result in results if isinstance(result, int)]
    assert {conflict.details["stock"] for conflict in conflicts} == {stock}
    await shop.check_sums()


async def test_tracking_can_stop_and_start_while_orders_reserve_and_release(shop: Shop) -> None:
    mug = await shop.product(40)
    orders = [(await shop.reserve((mug, 1))).order_id for _ in range(20)]

    overrides = [shop.set(mug, stock) for stock in (None, 30, None, 20, None, 10)]
    await outcomes(
        [*map(shop.reservations.release, orders), *overrides, *(shop.reserve((mug, 1)) for _ in range(20))]
    )

    await shop.check_sums()
    await shop.set(mug, 7)
    assert (await shop.check_sums())[mug][0] == 7


async def test_a_deadlock_does_not_fail_any_order_of_the_batch(shop: Shop) -> None:
    mugs = sorted([await shop.product(100) for _ in range(2)])
    lock = "UPDATE stock SET free = free WHERE product_id = $1"
    async with rival(shop.db.url) as other:
        await other.hold(lock, mugs[1])
        orders = [shop.reserve((mugs[0], 1), (mugs[1], 1)) for _ in range(64)]
        results, _ = await asyncio.gather(outcomes(orders), other.deadlock(lock, mugs[0]))
    assert [result for result in results if isinstance(result, BaseException)] == []
    assert set((await shop.check_sums()).values()) == {(36, 64, 0)}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_concurrent_steps_keep_the_sums_consistent(shop: Shop, seed: int) -> None:
    rng = random.Random(seed)
    mugs = [await shop.product(stock) for stock in (40, 40, 5, None)]
    orders = [uuid4() for _ in range(40)]

    def step() -> Awaitable[Any]:
        mug, order_id = rng.choice(mugs), rng.choice(orders)
        lines = [(product, rng.randint(1, 3)) for product in rng.sample(mugs, rng.randint(1, 3))]
        steps: Sequence[Any] = (
            lambda: shop.reserve(*lines, order_id=order_id),
            lambda: shop.reservations.commit(order_id),
            lambda: shop.reservations.release(order_id),
            lambda: shop.adjust(mug, rng.randint(-5, 5), f"key {rng.randint(1, 20)}"),
            lambda: shop.set(mug, rng.choice([None, 0, 3, 50])),
            lambda: shop.reservations.expire(),
        )
        weights = (8, 4, 4, 4, 2, 1)
        call: Awaitable[Any] = rng.choices(steps, weights)[0]()
        return call

    for _ in range(4):
        results = await outcomes(step() for _ in range(80))
        assert not [result for result in results if not _expected(result)]
        await shop.check_sums()
        shop.clock.advance(minutes=8)
    # Finally all held reservations expire and all sold stock is returned.
    shop.clock.advance(minutes=20)
    await shop.reservations.expire()
    await outcomes(map(shop.reservations.release, orders))
    assert {(held, sold) for _, held, sold in (await shop.check_sums()).values()} == {(0, 0)}


@pytest.mark.parametrize("seed", range(5))
async def test_repeated_concurrent_transitions_end_in_a_consistent_state(shop: Shop, seed: int) -> None:
    rng = random.Random(seed)
    mug = await shop.product(10)
    orders = [uuid4() for _ in range(6)]
    calls = [
        call
        for order_id in orders
        for transition in (
            lambda order_id=order_id: shop.reserve((mug, 1), order_id=order_id),
            lambda order_id=order_id: shop.reservations.commit(order_id),
            lambda order_id=order_id: shop.reservations.release(order_id),
            lambda order_id=order_id: shop.cancel(order_id),
            shop.reservations.expire,
        )
        for call in [transition] * 5
    ]
    rng.shuffle(calls)

    results = await outcomes(call() for call in calls)

    assert not [result for result in results if not _expected(result)]
    states = [await shop.reservations.release(order_id) for order_id in orders]
    assert set(states) <= {ReservationState.RELEASED, ReservationState.RETURNED}
    assert (await shop.check_sums())[mug] == (10, 0, 0)


def _expected(result: object) -> bool:
    """Errors that concurrent steps may cause; any other is a bug."""
    reasons = {InsufficientStock.reason, StockNotTracked.reason, "OUT_OF_STOCK", "IDEMPOTENCY_CONFLICT"}
    return not isinstance(result, Exception) or (isinstance(result, SoukError) and result.reason in reasons)
