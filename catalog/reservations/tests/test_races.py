"""ADMINs and orders at the same stock at the same moment, on PostgreSQL: afterwards the books must balance.

free + held + sold = the sum of the adjustments, for every product, tracked or not; and nothing is ever below zero.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from catalog.events import TOPIC
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeCache, FakeProductStore, draft
from catalog.products.use_cases import Products
from catalog.reservations.domain import RequestedLine, Reservation, ReservationRequest, ReservationState
from catalog.reservations.store import PostgresReservationStore
from catalog.reservations.use_cases import Reservations
from catalog.stock.domain import StockChange, StockOverride
from catalog.stock.errors import IdempotencyConflict, InsufficientStock, StockConflict, StockNotTracked
from catalog.stock.store import PostgresStockStore
from catalog.stock.use_cases import Stock
from kit.db import Database, Migrations
from kit.errors import SoukError
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
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
        return (await self.products.create(self.boss, draft(stock=stock))).product.id

    async def adjust(self, product_id: UUID, delta: int, key: str = "") -> int | None:
        change = StockChange.parse(product_id, delta, "counted", key or str(uuid4()))
        return (await self.stock.adjust(self.boss, change)).stock

    async def set(self, product_id: UUID, stock: int | None, expected: int | None = None) -> int | None:
        override = StockOverride.parse(product_id, stock, expected, "")
        return (await self.stock.override(self.boss, override)).stock

    async def reserve(self, *lines: tuple[UUID, int], order_id: UUID | None = None) -> Reservation:
        requested = [RequestedLine(*line) for line in lines]
        return await self.reservations.reserve(ReservationRequest.parse(order_id or uuid4(), requested, None))

    async def cancelled(self, order_id: UUID) -> None:
        """As OrderCancelled does."""
        async with self.db.transaction() as tx:
            await self.reservations.release_cancelled(tx, [order_id])

    async def free(self, product_id: UUID) -> int | None:
        return (await self.rows.free([product_id])).get(product_id)

    async def check_sums(self) -> dict[UUID, tuple[int, int, int]]:
        """Free, held and sold of each product; fails when they are not what was adjusted."""
        rows = await self.db.fetch(_STOCK_SUMS)
        assert rows
        for row in rows:
            assert row["free"] + row["held"] + row["sold"] == row["adjusted"], dict(row)
            assert min(row["free"], row["held"], row["sold"]) >= 0, dict(row)
        return {row["id"]: (row["free"], row["held"], row["sold"]) for row in rows}

    def __post_init__(self) -> None:
        self.boss = admin()


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    await Migrations("catalog").apply(database_url)
    db = Database(database_url, publishes=TOPIC, pool_size=16)
    await db.open()
    clock, rows, product_rows = FakeClock(), PostgresStockStore(db), PostgresProductStore(db)
    no_cache = FakeCache(FakeProductStore())
    products = Products(db, product_rows, rows, no_cache, clock=clock)
    stock = Stock(db, rows, product_rows, clock=clock)
    store = PostgresReservationStore(db)
    reservations = Reservations(db, store, lifetime=timedelta(minutes=15), clock=clock)
    yield Shop(db, products, stock, reservations, rows, clock)
    await db.close()


async def test_each_of_many_adjustments_at_once_counts(shop: Shop) -> None:
    mug = await shop.product(0)
    await _at_once(shop.adjust(mug, 1) for _ in range(60))
    assert await shop.free(mug) == 60
    await shop.check_sums()


async def test_adjustments_under_one_key_count_once_and_are_all_answered(shop: Shop) -> None:
    mug = await shop.product(10)
    answers = await _at_once(shop.adjust(mug, -3, "count of monday") for _ in range(20))
    assert answers == [7] * 20
    assert [made.delta for made in await shop.rows.list_adjustments(mug)] == [10, -3]


async def test_one_key_for_two_products_at_once_counts_for_one_of_them(shop: Shop) -> None:
    mugs = [await shop.product(10) for _ in range(8)]
    answers = await _at_once(shop.adjust(mug, 5, "count of monday") for mug in mugs)
    assert answers.count(15) == 1
    assert [type(answer) for answer in answers if answer != 15] == [IdempotencyConflict] * 7
    assert sum([await shop.free(mug) or 0 for mug in mugs]) == 85
    await shop.check_sums()


async def test_taking_more_than_is_there_at_once_leaves_none_and_never_less(shop: Shop) -> None:
    mug = await shop.product(50)
    calls = [shop.adjust(mug, -1) if turn % 2 else shop.reserve((mug, 1)) for turn in range(160)]
    answers = await _at_once(calls)
    assert len([answer for answer in answers if isinstance(answer, SoukError)]) == 110
    assert {answer.reason for answer in answers if isinstance(answer, SoukError)} <= {
        "OUT_OF_STOCK",
        InsufficientStock.reason,
    }
    assert await shop.free(mug) == 0
    await shop.check_sums()


async def test_one_of_many_counts_that_expect_the_same_is_taken(shop: Shop) -> None:
    mug = await shop.product(5)
    answers = await _at_once(shop.set(mug, 100 + turn, expected=5) for turn in range(20))
    refused = [answer for answer in answers if isinstance(answer, StockConflict)]
    assert len(refused) == 19
    [taken] = [answer for answer in answers if isinstance(answer, int)]
    assert {answer.details["stock"] for answer in refused} == {taken}
    await shop.check_sums()


async def test_tracking_ends_and_begins_while_orders_come_and_go(shop: Shop) -> None:
    mug = await shop.product(40)
    orders = [(await shop.reserve((mug, 1))).order_id for _ in range(20)]

    ends = [shop.set(mug, stock) for stock in (None, 30, None, 20, None, 10)]
    await _at_once(
        [*map(shop.reservations.release, orders), *ends, *(shop.reserve((mug, 1)) for _ in range(20))]
    )

    await shop.check_sums()
    await shop.set(mug, 7)
    assert (await shop.check_sums())[mug][0] == 7


async def test_a_deadlock_fails_no_order_of_the_batch(shop: Shop) -> None:
    mugs = sorted([await shop.product(100) for _ in range(2)])
    lock = "UPDATE stock SET free = free WHERE product_id = $1"
    async with rival(shop.db.url) as other:
        await other.hold(lock, mugs[1])
        orders = [shop.reserve((mugs[0], 1), (mugs[1], 1)) for _ in range(64)]
        answers, _ = await asyncio.gather(_at_once(orders), other.deadlock(lock, mugs[0]))
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    assert set((await shop.check_sums()).values()) == {(36, 64, 0)}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_happens_at_once_the_books_balance(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    mugs = [await shop.product(stock) for stock in (40, 40, 5, None)]
    orders = [uuid4() for _ in range(40)]

    def step() -> Awaitable[Any]:
        mug, order_id = chance.choice(mugs), chance.choice(orders)
        wants = [(each, chance.randint(1, 3)) for each in chance.sample(mugs, chance.randint(1, 3))]
        steps: Sequence[Any] = (
            lambda: shop.reserve(*wants, order_id=order_id),
            lambda: shop.reservations.commit(order_id),
            lambda: shop.reservations.release(order_id),
            lambda: shop.adjust(mug, chance.randint(-5, 5), f"key {chance.randint(1, 20)}"),
            lambda: shop.set(mug, chance.choice([None, 0, 3, 50])),
            lambda: shop.reservations.expire(),
        )
        weights = (8, 4, 4, 4, 2, 1)
        made: Awaitable[Any] = chance.choices(steps, weights)[0]()
        return made

    for _ in range(4):
        answers = await _at_once(step() for _ in range(80))
        assert not [answer for answer in answers if not _expected(answer)]
        await shop.check_sums()
        shop.clock.advance(minutes=8)
    # In the end everything that is held expires, and what is sold comes back.
    shop.clock.advance(minutes=20)
    await shop.reservations.expire()
    await _at_once(map(shop.reservations.release, orders))
    assert {taken for _, *taken_of in (await shop.check_sums()).values() for taken in taken_of} == {0}


@pytest.mark.parametrize("seed", range(5))
async def test_an_orders_end_in_any_order_and_five_times_each_ends_alike(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    mug = await shop.product(10)
    orders = [uuid4() for _ in range(6)]
    calls = [
        call
        for order_id in orders
        for make in (
            lambda order_id=order_id: shop.reserve((mug, 1), order_id=order_id),
            lambda order_id=order_id: shop.reservations.commit(order_id),
            lambda order_id=order_id: shop.reservations.release(order_id),
            lambda order_id=order_id: shop.cancelled(order_id),
            shop.reservations.expire,
        )
        for call in [make] * 5
    ]
    chance.shuffle(calls)

    answers = await _at_once(call() for call in calls)

    assert not [answer for answer in answers if not _expected(answer)]
    states = [await shop.reservations.release(order_id) for order_id in orders]
    assert set(states) <= {ReservationState.RELEASED, ReservationState.RETURNED}
    assert (await shop.check_sums())[mug] == (10, 0, 0)


def _expected(answer: object) -> bool:
    """What a shop may say to each other's steps; anything else is a fault of ours."""
    reasons = {InsufficientStock.reason, StockNotTracked.reason, "OUT_OF_STOCK", "IDEMPOTENCY_CONFLICT"}
    return not isinstance(answer, Exception) or (isinstance(answer, SoukError) and answer.reason in reasons)


async def _at_once(calls: Iterable[Awaitable[Any]]) -> list[Any]:
    """Each in a task of its own that knows no transaction; refusals are among the answers."""

    async def run(call: Awaitable[Any]) -> Any:
        return await call

    tasks = [asyncio.create_task(run(call), context=Context()) for call in calls]
    return list(await asyncio.gather(*tasks, return_exceptions=True))
