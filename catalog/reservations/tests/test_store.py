"""The contract of ReservationStore, on the fake and on PostgreSQL; on PostgreSQL also races and statements."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from catalog.events import TOPIC
from catalog.products.domain import Product
from catalog.products.errors import ProductNotFound
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeProductStore, draft
from catalog.reservations.domain import RequestedLine, Reservation, ReservationRequest, ReservationState
from catalog.reservations.errors import OutOfStock, PriceChanged, TotalOutOfRange
from catalog.reservations.ports import ReservationStore
from catalog.reservations.store import PostgresReservationStore
from catalog.reservations.tests.fakes import FakeReservationStore
from catalog.stock.domain import Action, Adjustment, StockOverride
from catalog.stock.store import PostgresStockStore
from catalog.stock.tests.fakes import FakeStockStore
from catalog.tables import TABLES
from kit.db import Database, Migrations, assert_tables_match
from kit.db.fake import FakeDatabase
from kit.errors import SoukError
from kit.testing import FakeClock, eventually
from kit.testing.fixtures import database_url, postgres
from kit.values import PRODUCT, MixedCurrency, Money

__all__ = ["database_url", "postgres"]

HELD, COMMITTED = ReservationState.HELD, ReservationState.COMMITTED
RELEASED, RETURNED = ReservationState.RELEASED, ReservationState.RETURNED


@dataclass
class Stores:
    """The stores with their database, fake or real."""

    db: Any
    products: Any
    stock: Any
    reservations: ReservationStore
    clock: FakeClock

    async def product(self, stock: int | None = None, price: Money | None = None, name: str = "Mug") -> UUID:
        product, _ = Product.create(draft(name, price=price), None, self.clock.now)
        async with self.db.transaction() as tx:
            await self.products.add(tx, product)
            if stock is not None:
                await self.stock.start_tracking(tx, product.id, stock, uuid4(), self.clock.now)
        return product.id

    async def set_price(self, product_id: UUID, price: Money) -> None:
        """Bypasses all rules, like a price that an earlier release accepted."""
        if isinstance(self.products, FakeProductStore):
            product = self.products.products[product_id]
            self.products.products[product_id] = replace(product, price=price)
        else:
            await self.db.execute("UPDATE products SET price = $2 WHERE id = $1", product_id, price.minor)

    async def delete(self, product_id: UUID) -> None:
        async with self.db.transaction() as tx:
            await self.products.delete(tx, product_id, 2, self.clock.now)

    async def reserve(
        self, *lines: tuple[UUID, int], order_id: UUID | None = None, expected: str = ""
    ) -> Reservation | SoukError:
        [outcome] = await self.reserve_many([request(*lines, order_id=order_id, expected=expected)])
        return outcome

    async def reserve_many(self, requests: Sequence[ReservationRequest]) -> list[Reservation | SoukError]:
        expire_time = self.clock.now + timedelta(minutes=15)
        return await self.reservations.reserve(requests, self.clock.now, expire_time)

    async def held(self, *lines: tuple[UUID, int]) -> UUID:
        outcome = await self.reserve(*lines)
        assert isinstance(outcome, Reservation)
        return outcome.order_id

    async def free(self, product_id: UUID) -> int | None:
        free: int | None = (await self.stock.free([product_id])).get(product_id)
        return free

    async def commit(self, order_id: UUID) -> ReservationState | None:
        return (await self.reservations.commit([order_id], self.clock.now)).get(order_id)

    async def release(self, order_id: UUID) -> ReservationState:
        return (await self.reservations.release(self.db, [order_id], self.clock.now))[order_id]

    async def write(self, adjustment: Adjustment, before: int | None, after: int | None) -> None:
        async with self.db.transaction() as tx:
            await self.stock.write(tx, adjustment, before=before, after=after)

    async def availability_changes(self) -> dict[UUID, bool]:
        async with self.db.transaction() as tx:
            return dict(await self.stock.pop_availability_changes(tx, 100, self.clock.now))


def request(*lines: tuple[UUID, int], order_id: UUID | None = None, expected: str = "") -> ReservationRequest:
    total = Decimal(expected) if expected else None
    return ReservationRequest.parse(order_id or uuid4(), [RequestedLine(*line) for line in lines], total)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[Stores]:
    await Migrations("catalog").apply(database_url)
    db = Database(database_url, publishes=TOPIC, pool_size=20)
    await db.open()
    yield Stores(
        db, PostgresProductStore(db), PostgresStockStore(db), PostgresReservationStore(db), FakeClock()
    )
    await db.close()


@pytest.fixture(params=["fake", "postgresql"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "postgresql":
        real: Stores = request.getfixturevalue("real")
        return real
    products, stock = FakeProductStore(), FakeStockStore()
    return Stores(FakeDatabase(), products, stock, FakeReservationStore(products, stock), FakeClock())


async def test_what_is_reserved_is_priced_and_taken_in_the_order_wanted(stores: Stores) -> None:
    mug, cup = await stores.product(5), await stores.product(None, Money(250, "USD"), "Cup")

    made = await stores.reserve((mug, 2), (cup, 3))

    assert isinstance(made, Reservation)
    assert made.state is HELD
    assert [(line.product_id, line.name, line.unit_price, line.quantity) for line in made.lines] == [
        (mug, "Mug", Money(999, "USD"), 2),
        (cup, "Cup", Money(250, "USD"), 3),
    ]
    assert made.expire_time == stores.clock.now + timedelta(minutes=15)
    assert await stores.free(mug) == 3
    assert await stores.free(cup) is None


async def test_all_lines_are_taken_or_none(stores: Stores) -> None:
    mug, cup = await stores.product(5), await stores.product(1)

    rejection = await stores.reserve((mug, 2), (cup, 4))

    assert isinstance(rejection, OutOfStock)
    assert rejection.details == {
        "lines": [{"product_id": PRODUCT.format(cup), "requested": 4, "available": 1}]
    }
    assert await stores.free(mug) == 5


async def test_the_same_order_again_is_answered_as_it_was_and_takes_nothing_more(stores: Stores) -> None:
    mug = await stores.product(5)
    first = await stores.reserve((mug, 2))
    assert isinstance(first, Reservation)
    stores.clock.advance(seconds=60)

    assert await stores.reserve((mug, 2), order_id=first.order_id) == first
    assert await stores.free(mug) == 3


async def test_unknown_and_deleted_products_are_named_by_their_place(stores: Stores) -> None:
    mug, gone = await stores.product(5), await stores.product(5)
    await stores.delete(gone)

    rejection = await stores.reserve((mug, 1), (PRODUCT.new(), 1), (gone, 1))

    assert isinstance(rejection, ProductNotFound)
    assert [fault.path for fault in rejection.fields] == [("products", 1, "id"), ("products", 2, "id")]
    assert await stores.free(mug) == 5


async def test_an_order_has_one_currency(stores: Stores) -> None:
    dollars, yen = await stores.product(), await stores.product(price=Money(500, "JPY"))
    assert isinstance(await stores.reserve((dollars, 1), (yen, 1)), MixedCurrency)


@pytest.mark.parametrize("minor", [49, 100_000_000])
async def test_a_total_that_the_provider_does_not_charge_is_refused(stores: Stores, minor: int) -> None:
    product = await stores.product(5, Money(minor, "USD"))
    assert isinstance(await stores.reserve((product, 1)), TotalOutOfRange)
    assert await stores.free(product) == 5


async def test_the_total_that_the_buyer_saw_is_compared(stores: Stores) -> None:
    mug = await stores.product(5)

    rejection = await stores.reserve((mug, 2), expected="19.97")

    assert isinstance(rejection, PriceChanged)
    assert rejection.details["total"] == "19.98"
    assert await stores.free(mug) == 5
    assert isinstance(await stores.reserve((mug, 2), expected="19.980"), Reservation)


async def test_what_is_committed_goes_back_as_returned_and_what_is_held_as_released(stores: Stores) -> None:
    mug = await stores.product(5)
    held, sold = await stores.held((mug, 1)), await stores.held((mug, 2))

    assert [await stores.commit(sold), await stores.commit(sold)] == [COMMITTED, COMMITTED]
    assert [await stores.release(sold), await stores.release(sold)] == [RETURNED, RETURNED]
    assert [await stores.release(held), await stores.release(held)] == [RELEASED, RELEASED]
    assert await stores.free(mug) == 5
    assert [await stores.commit(sold), await stores.commit(held)] == [RETURNED, RELEASED]
    assert await stores.commit(uuid4()) is None


async def test_an_order_that_ended_before_it_reserved_gets_nothing(stores: Stores) -> None:
    mug, order_id = await stores.product(5), uuid4()
    assert await stores.release(order_id) is RELEASED

    late = await stores.reserve((mug, 1), order_id=order_id)

    assert isinstance(late, Reservation)
    assert late.state is RELEASED
    assert await stores.free(mug) == 5


async def test_what_is_held_too_long_expires_and_what_is_sold_does_not(stores: Stores) -> None:
    mug = await stores.product(5)
    held, sold = await stores.held((mug, 1)), await stores.held((mug, 1))
    await stores.commit(sold)

    assert await stores.reservations.expire(stores.clock.now, 10) == 0
    stores.clock.advance(seconds=15 * 60)
    assert await stores.reservations.expire(stores.clock.now, 10) == 1

    assert await stores.free(mug) == 4
    assert [await stores.commit(held), await stores.commit(sold)] == [RELEASED, COMMITTED]


async def test_what_runs_out_and_what_comes_back_is_told_once(stores: Stores) -> None:
    mug, cup = await stores.product(1), await stores.product(5)
    first = await stores.held((mug, 1), (cup, 1))
    assert await stores.availability_changes() == {mug: False}
    await stores.release(first)
    stores.clock.advance(seconds=1)
    assert await stores.availability_changes() == {mug: True}
    assert await stores.availability_changes() == {}


async def test_what_flips_often_is_told_once_a_second(stores: Stores) -> None:
    mug = await stores.product(1)
    published: list[tuple[UUID, bool]] = []
    for _ in range(30):
        held = await stores.held((mug, 1))
        published += (await stores.availability_changes()).items()
        await stores.release(held)
        published += (await stores.availability_changes()).items()
        stores.clock.advance(seconds=0.1)
    assert published == [(mug, False)] * 3
    stores.clock.advance(seconds=1)
    # However long ago: how it ended is published in the end.
    assert await stores.availability_changes() == {mug: True}


async def test_tracking_ends_and_begins_again(stores: Stores) -> None:
    mug, boss = await stores.product(5), uuid4()
    held = await stores.held((mug, 2))

    await stores.write(StockOverride.parse(mug, None, 3, "").replace(3, boss, stores.clock.now), 3, None)
    assert await stores.free(mug) is None
    assert await stores.release(held) is RELEASED
    await stores.write(StockOverride.parse(mug, 9, None, "").replace(None, boss, stores.clock.now), None, 9)

    assert await stores.free(mug) == 9
    made = [(row.action, row.delta) for row in await stores.stock.list_adjustments(mug)]
    # What came back while nobody counted is in no stock: it leaves the books.
    expected = [(Action.CREATE, 5), (Action.STOP_TRACKING, -3), (Action.WRITE_OFF, -2), (Action.SET, 9)]
    assert sorted(made) == sorted(expected)
    assert sum(delta for _, delta in made) == 9


async def test_requests_together_take_no_more_than_there_is(stores: Stores) -> None:
    mug, cup = await stores.product(3), await stores.product(0)
    # The first fails for its cup: the mugs that it wanted are there for the others.
    requests = [request((mug, 2), (cup, 1)), request((mug, 2)), request((mug, 1)), request((mug, 1))]

    outcomes = await stores.reserve_many(requests)

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, True, True, False]
    assert await stores.free(mug) == 0


async def test_a_wish_that_the_others_left_too_little_for_is_refused_with_what_they_left(
    stores: Stores,
) -> None:
    mug = await stores.product(5)
    outcomes = await stores.reserve_many([request((mug, 9)), request((mug, 4)), request((mug, 3))])

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, True, False]
    [shown] = [each for each in outcomes[2:] if isinstance(each, OutOfStock)]
    assert shown.details == {"lines": [{"product_id": PRODUCT.format(mug), "requested": 3, "available": 1}]}


async def test_a_wish_of_several_products_that_was_only_crowded_out_gets_all_of_them(stores: Stores) -> None:
    mug, cup, pot = await stores.product(4), await stores.product(4), await stores.product(0)
    crowds = [request((mug, 3), (pot, 1)), request((cup, 3), (pot, 1))]
    outcomes = await stores.reserve_many(
        [*crowds, request((cup, 2), (mug, 2)), request((mug, 3)), request((cup, 2))]
    )

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, False, True, False, True]
    assert [await stores.free(product) for product in (mug, cup)] == [2, 0]


async def test_a_total_off_its_currencys_step_is_refused(stores: Stores) -> None:
    # A price from before there was a step.
    old = await stores.product(10, Money(18_610, "KWD"))
    await stores.set_price(old, Money(18_605, "KWD"))
    rejection = await stores.reserve((old, 1))
    assert isinstance(rejection, TotalOutOfRange)
    assert "multiple of 0.010 KWD" in str(rejection)
    assert isinstance(await stores.reserve((old, 2)), Reservation)


async def test_the_declared_tables_are_the_migrated_ones(database_url: str) -> None:
    await Migrations("catalog").apply(database_url)
    await assert_tables_match(database_url, TABLES)


async def test_two_hundred_buyers_of_fifty_leave_none_and_never_less(real: Stores) -> None:
    mug = await real.product(50)
    outcomes = await _at_once(real.reserve((mug, 1)) for _ in range(200))
    taken = Counter(type(outcome) for outcome in outcomes)
    assert taken == {Reservation: 50, OutOfStock: 150}
    assert await real.free(mug) == 0


class Counting:
    """A database that counts its statements."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.statements: list[str] = []

    async def fetch(self, sql: str, *args: Any) -> Any:
        self.statements.append(sql)
        return await self._db.fetch(sql, *args)


async def test_what_a_batch_finds_out_of_stock_is_tried_again_together(real: Stores) -> None:
    mug = await real.product(50)
    requests = [request((mug, 51)), *(request((mug, 1)) for _ in range(63))]
    counting = Counting(real.db)

    outcomes = await PostgresReservationStore(counting).reserve(  # type: ignore[arg-type]
        requests, real.clock.now, real.clock.now + timedelta(minutes=15)
    )

    assert Counter(map(type, outcomes)) == {Reservation: 50, OutOfStock: 14}
    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, *[True] * 50, *[False] * 13]
    assert len(counting.statements) <= 4


async def test_one_replica_tells_at_a_time(real: Stores) -> None:
    mug = await real.product(1)
    await real.held((mug, 1))
    published = await _at_once(real.availability_changes() for _ in range(10))
    assert [each for each in published if each] == [{mug: False}]


async def test_one_order_reserved_many_times_at_once_takes_once(real: Stores) -> None:
    mug, order_id = await real.product(50), uuid4()
    outcomes = await _at_once(real.reserve((mug, 2), order_id=order_id) for _ in range(20))
    assert len({repr(outcome) for outcome in outcomes}) == 1
    assert await real.free(mug) == 48


async def test_products_wanted_in_any_order_do_not_deadlock(real: Stores) -> None:
    products = [await real.product(10_000) for _ in range(5)]

    async def shopper(turn: int) -> None:
        order = products[turn % 5 :] + products[: turn % 5]
        held = await real.held(*((product, 1) for product in (order if turn % 2 else reversed(order))))
        await (real.commit(held) if turn % 3 else real.release(held))
        await real.release(held)

    await _at_once(shopper(turn) for turn in range(60))
    assert [await real.free(product) for product in products] == [10_000] * 5


async def test_a_release_that_meets_its_reservation_leaves_nothing_taken(real: Stores) -> None:
    mug = await real.product(1000)
    orders = [uuid4() for _ in range(40)]
    calls = [real.reserve((mug, 1), order_id=order_id) for order_id in orders]
    await _at_once([*calls, *(real.release(order_id) for order_id in orders)])
    assert [await real.release(order_id) for order_id in orders] == [RELEASED] * 40
    assert await real.free(mug) == 1000


async def _at_once(calls: Any) -> list[Any]:
    """Each in a task of its own that knows no transaction."""
    return list(await asyncio.gather(*(asyncio.create_task(call, context=Context()) for call in calls)))


async def _waiting(database_url: str) -> int:
    """How many statements wait for a lock, asked beside the test's own transaction."""
    connection = await asyncpg.connect(database_url)
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return count
    finally:
        await connection.close()


async def test_stock_that_comes_back_while_a_reservation_waits_can_be_taken(
    real: Stores, database_url: str
) -> None:
    # PostgreSQL judges a CHECK on what a row was before it looks at what it has become.
    mug = await real.product(stock=1)
    async with real.db.transaction() as tx:
        await tx.execute("UPDATE stock SET free = free + 1 WHERE product_id = $1", mug)
        reserving = asyncio.create_task(real.reserve((mug, 2)), context=Context())
        await eventually(lambda: _is(1, database_url))
    outcome = await reserving
    assert isinstance(outcome, Reservation)
    assert outcome.state is HELD
    assert await real.free(mug) == 0


async def test_of_twins_that_meet_at_the_last_piece_both_are_answered_with_it(
    real: Stores, database_url: str
) -> None:
    mug, order_id = await real.product(stock=1), uuid4()
    async with real.db.transaction() as tx:
        await tx.execute("SELECT FROM stock WHERE product_id = $1 FOR UPDATE", mug)
        twins = [
            asyncio.create_task(real.reserve((mug, 1), order_id=order_id), context=Context())
            for _ in range(2)
        ]
        await eventually(lambda: _is(2, database_url))
    for outcome in await asyncio.gather(*twins):
        assert isinstance(outcome, Reservation)
        assert outcome.state is HELD
    assert await real.free(mug) == 0


async def _is(count: int, database_url: str) -> bool:
    return await _waiting(database_url) == count
