"""The contract of ReservationStore, on the fake and on PostgreSQL; on PostgreSQL also races and statements."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
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
from catalog.tests.concurrently import concurrently, task
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


async def test_a_reservation_has_priced_lines_in_the_requests_order(stores: Stores) -> None:
    mug, cup = await stores.product(5), await stores.product(None, Money(250, "USD"), "Cup")

    reservation = await stores.reserve((mug, 2), (cup, 3))

    assert isinstance(reservation, Reservation)
    assert reservation.state is HELD
    assert [(line.product_id, line.name, line.unit_price, line.quantity) for line in reservation.lines] == [
        (mug, "Mug", Money(999, "USD"), 2),
        (cup, "Cup", Money(250, "USD"), 3),
    ]
    assert reservation.expire_time == stores.clock.now + timedelta(minutes=15)
    assert await stores.free(mug) == 3
    assert await stores.free(cup) is None


async def test_an_order_gets_all_its_lines_or_none(stores: Stores) -> None:
    mug, cup = await stores.product(5), await stores.product(1)

    rejection = await stores.reserve((mug, 2), (cup, 4))

    assert isinstance(rejection, OutOfStock)
    assert rejection.details == {
        "lines": [{"product_id": PRODUCT.format(cup), "requested": 4, "available": 1}]
    }
    assert await stores.free(mug) == 5


async def test_a_repeated_request_returns_the_reservation_and_takes_nothing_more(stores: Stores) -> None:
    mug = await stores.product(5)
    first = await stores.reserve((mug, 2))
    assert isinstance(first, Reservation)
    stores.clock.advance(seconds=60)

    assert await stores.reserve((mug, 2), order_id=first.order_id) == first
    assert await stores.free(mug) == 3


async def test_unknown_and_deleted_products_are_reported_by_line(stores: Stores) -> None:
    mug, deleted = await stores.product(5), await stores.product(5)
    await stores.delete(deleted)

    rejection = await stores.reserve((mug, 1), (PRODUCT.new(), 1), (deleted, 1))

    assert isinstance(rejection, ProductNotFound)
    assert [violation.path for violation in rejection.fields] == [
        ("products", 1, "id"),
        ("products", 2, "id"),
    ]
    assert await stores.free(mug) == 5


async def test_products_in_different_currencies_are_rejected(stores: Stores) -> None:
    dollars, yen = await stores.product(), await stores.product(price=Money(500, "JPY"))
    assert isinstance(await stores.reserve((dollars, 1), (yen, 1)), MixedCurrency)


@pytest.mark.parametrize("minor", [49, 100_000_000])
async def test_a_total_that_the_provider_does_not_charge_is_rejected(stores: Stores, minor: int) -> None:
    product = await stores.product(5, Money(minor, "USD"))
    assert isinstance(await stores.reserve((product, 1)), TotalOutOfRange)
    assert await stores.free(product) == 5


async def test_the_total_must_be_the_expected_total(stores: Stores) -> None:
    mug = await stores.product(5)

    rejection = await stores.reserve((mug, 2), expected="19.97")

    assert isinstance(rejection, PriceChanged)
    assert rejection.details["total"] == "19.98"
    assert await stores.free(mug) == 5
    assert isinstance(await stores.reserve((mug, 2), expected="19.980"), Reservation)


async def test_a_committed_reservation_becomes_returned_and_a_held_one_released(stores: Stores) -> None:
    mug = await stores.product(5)
    held, sold = await stores.held((mug, 1)), await stores.held((mug, 2))

    assert [await stores.commit(sold), await stores.commit(sold)] == [COMMITTED, COMMITTED]
    assert [await stores.release(sold), await stores.release(sold)] == [RETURNED, RETURNED]
    assert [await stores.release(held), await stores.release(held)] == [RELEASED, RELEASED]
    assert await stores.free(mug) == 5
    assert [await stores.commit(sold), await stores.commit(held)] == [RETURNED, RELEASED]
    assert await stores.commit(uuid4()) is None


async def test_a_reservation_after_its_release_takes_nothing(stores: Stores) -> None:
    mug, order_id = await stores.product(5), uuid4()
    assert await stores.release(order_id) is RELEASED

    late = await stores.reserve((mug, 1), order_id=order_id)

    assert isinstance(late, Reservation)
    assert late.state is RELEASED
    assert await stores.free(mug) == 5


async def test_held_reservations_expire_and_committed_ones_do_not(stores: Stores) -> None:
    mug = await stores.product(5)
    held, sold = await stores.held((mug, 1)), await stores.held((mug, 1))
    await stores.commit(sold)

    assert await stores.reservations.expire(stores.clock.now, 10) == 0
    stores.clock.advance(seconds=15 * 60)
    assert await stores.reservations.expire(stores.clock.now, 10) == 1

    assert await stores.free(mug) == 4
    assert [await stores.commit(held), await stores.commit(sold)] == [RELEASED, COMMITTED]


async def test_selling_out_and_restocking_are_published_once(stores: Stores) -> None:
    mug, cup = await stores.product(1), await stores.product(5)
    first = await stores.held((mug, 1), (cup, 1))
    assert await stores.availability_changes() == {mug: False}
    await stores.release(first)
    stores.clock.advance(seconds=1)
    assert await stores.availability_changes() == {mug: True}
    assert await stores.availability_changes() == {}


async def test_frequent_changes_of_availability_are_published_once_a_second(stores: Stores) -> None:
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
    # The last change is published even if it is older than a second.
    assert await stores.availability_changes() == {mug: True}


async def test_tracking_can_stop_and_start_again(stores: Stores) -> None:
    mug, admin_id = await stores.product(5), uuid4()
    held = await stores.held((mug, 2))

    await stores.write(
        StockOverride.parse(mug, None, 3, "").to_adjustment(3, admin_id, stores.clock.now), 3, None
    )
    assert await stores.free(mug) is None
    assert await stores.release(held) is RELEASED
    await stores.write(
        StockOverride.parse(mug, 9, None, "").to_adjustment(None, admin_id, stores.clock.now), None, 9
    )

    assert await stores.free(mug) == 9
    adjustments = [(row.action, row.delta) for row in await stores.stock.list_adjustments(mug)]
    # Stock that is returned while it is not tracked is written off.
    expected = [(Action.CREATE, 5), (Action.STOP_TRACKING, -3), (Action.WRITE_OFF, -2), (Action.SET, 9)]
    assert sorted(adjustments) == sorted(expected)
    assert sum(delta for _, delta in adjustments) == 9


async def test_a_batch_takes_no_more_than_the_free_stock(stores: Stores) -> None:
    mug, cup = await stores.product(3), await stores.product(0)
    # The first is rejected for its cup, so its mugs are left for the others.
    requests = [request((mug, 2), (cup, 1)), request((mug, 2)), request((mug, 1)), request((mug, 1))]

    outcomes = await stores.reserve_many(requests)

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, True, True, False]
    assert await stores.free(mug) == 0


async def test_a_shortage_counts_what_earlier_requests_of_the_batch_took(
    stores: Stores,
) -> None:
    mug = await stores.product(5)
    outcomes = await stores.reserve_many([request((mug, 9)), request((mug, 4)), request((mug, 3))])

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, True, False]
    [last] = [outcome for outcome in outcomes[2:] if isinstance(outcome, OutOfStock)]
    assert last.details == {"lines": [{"product_id": PRODUCT.format(mug), "requested": 3, "available": 1}]}


async def test_a_request_that_only_rejected_requests_crowded_out_gets_all_its_lines(stores: Stores) -> None:
    mug, cup, pot = await stores.product(4), await stores.product(4), await stores.product(0)
    rejected = [request((mug, 3), (pot, 1)), request((cup, 3), (pot, 1))]
    outcomes = await stores.reserve_many(
        [*rejected, request((cup, 2), (mug, 2)), request((mug, 3)), request((cup, 2))]
    )

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, False, True, False, True]
    assert [await stores.free(product) for product in (mug, cup)] == [2, 0]


async def test_a_total_off_its_currencys_step_is_rejected(stores: Stores) -> None:
    # A price of an earlier release, which did not check the step.
    old = await stores.product(10, Money(18_610, "KWD"))
    await stores.set_price(old, Money(18_605, "KWD"))
    rejection = await stores.reserve((old, 1))
    assert isinstance(rejection, TotalOutOfRange)
    assert "multiple of 0.010 KWD" in str(rejection)
    assert isinstance(await stores.reserve((old, 2)), Reservation)


async def test_the_declared_tables_match_the_migrations(database_url: str) -> None:
    await Migrations("catalog").apply(database_url)
    await assert_tables_match(database_url, TABLES)


async def test_two_hundred_buyers_of_fifty_pieces_take_exactly_fifty(real: Stores) -> None:
    mug = await real.product(50)
    outcomes = await concurrently(real.reserve((mug, 1)) for _ in range(200))
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


async def test_requests_of_a_batch_that_are_out_of_stock_are_retried_together(real: Stores) -> None:
    mug = await real.product(50)
    requests = [request((mug, 51)), *(request((mug, 1)) for _ in range(63))]
    counting = Counting(real.db)

    outcomes = await PostgresReservationStore(counting).reserve(  # type: ignore[arg-type]
        requests, real.clock.now, real.clock.now + timedelta(minutes=15)
    )

    assert Counter(map(type, outcomes)) == {Reservation: 50, OutOfStock: 14}
    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, *[True] * 50, *[False] * 13]
    assert len(counting.statements) <= 4


async def test_only_one_replica_publishes_at_a_time(real: Stores) -> None:
    mug = await real.product(1)
    await real.held((mug, 1))
    published = await concurrently(real.availability_changes() for _ in range(10))
    assert [changes for changes in published if changes] == [{mug: False}]


async def test_concurrent_requests_for_one_order_take_stock_once(real: Stores) -> None:
    mug, order_id = await real.product(50), uuid4()
    outcomes = await concurrently(real.reserve((mug, 2), order_id=order_id) for _ in range(20))
    assert len({repr(outcome) for outcome in outcomes}) == 1
    assert await real.free(mug) == 48


async def test_lines_in_any_order_do_not_deadlock(real: Stores) -> None:
    products = [await real.product(10_000) for _ in range(5)]

    async def shopper(turn: int) -> None:
        order = products[turn % 5 :] + products[: turn % 5]
        held = await real.held(*((product, 1) for product in (order if turn % 2 else reversed(order))))
        await (real.commit(held) if turn % 3 else real.release(held))
        await real.release(held)

    await concurrently(shopper(turn) for turn in range(60))
    assert [await real.free(product) for product in products] == [10_000] * 5


async def test_a_release_concurrent_with_its_reservation_leaves_nothing_taken(real: Stores) -> None:
    mug = await real.product(1000)
    orders = [uuid4() for _ in range(40)]
    calls = [real.reserve((mug, 1), order_id=order_id) for order_id in orders]
    await concurrently([*calls, *(real.release(order_id) for order_id in orders)])
    assert [await real.release(order_id) for order_id in orders] == [RELEASED] * 40
    assert await real.free(mug) == 1000


async def _count_waiting(database_url: str) -> int:
    """The number of statements that wait for a lock."""
    connection = await asyncpg.connect(database_url)
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return count
    finally:
        await connection.close()


async def test_stock_returned_while_a_reservation_waits_for_the_lock_can_be_taken(
    real: Stores, database_url: str
) -> None:
    # PostgreSQL evaluates a CHECK against the snapshot's row first.
    mug = await real.product(stock=1)
    async with real.db.transaction() as tx:
        await tx.execute("UPDATE stock SET free = free + 1 WHERE product_id = $1", mug)
        reserving = task(real.reserve((mug, 2)))
        await eventually(lambda: _are_waiting(1, database_url))
    outcome = await reserving
    assert isinstance(outcome, Reservation)
    assert outcome.state is HELD
    assert await real.free(mug) == 0


async def test_duplicate_requests_for_the_last_piece_both_get_the_reservation(
    real: Stores, database_url: str
) -> None:
    mug, order_id = await real.product(stock=1), uuid4()
    async with real.db.transaction() as tx:
        await tx.execute("SELECT FROM stock WHERE product_id = $1 FOR UPDATE", mug)
        duplicates = [task(real.reserve((mug, 1), order_id=order_id)) for _ in range(2)]
        await eventually(lambda: _are_waiting(2, database_url))
    for outcome in await asyncio.gather(*duplicates):
        assert isinstance(outcome, Reservation)
        assert outcome.state is HELD
    assert await real.free(mug) == 0


async def _are_waiting(count: int, database_url: str) -> bool:
    return await _count_waiting(database_url) == count
