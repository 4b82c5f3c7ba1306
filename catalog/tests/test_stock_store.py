"""The contract of StockStore, on the fake and on PostgreSQL; and what only PostgreSQL can show: races and statements."""

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

from catalog.domain import Product
from catalog.errors import IdempotencyConflict, OutOfStock, PriceChanged, ProductNotFound, TotalOutOfRange
from catalog.events import TOPIC
from catalog.ports import StockStore
from catalog.stock_domain import (
    Action,
    Adjustment,
    Reservation,
    ReservationState,
    StockChange,
    StockCount,
    Want,
    Wish,
)
from catalog.stock_store import PostgresStockStore
from catalog.store import PostgresProductStore
from catalog.tables import TABLES
from catalog.tests.fakes import FakeProductStore, FakeStockStore, draft
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
class Kept:
    """A store with its database, fake or real."""

    db: Any
    products: Any
    store: StockStore
    clock: FakeClock

    async def product(self, stock: int | None = None, price: Money | None = None, name: str = "Mug") -> UUID:
        made, _ = Product.create(draft(name, price=price), None, self.clock.now)
        async with self.db.transaction() as tx:
            await self.products.add(tx, made)
            if stock is not None:
                begun = Adjustment.begun(made.id, stock, uuid4(), self.clock.now)
                await self.store.write(tx, begun, before=None, after=stock)
        return made.id

    async def set_price(self, product_id: UUID, price: Money) -> None:
        """Past every rule, as an earlier release may have left it."""
        if isinstance(self.products, FakeProductStore):
            old = self.products.products[product_id]
            self.products.products[product_id] = replace(old, price=price)
        else:
            await self.db.execute("UPDATE products SET price = $2 WHERE id = $1", product_id, price.minor)

    async def delete(self, product_id: UUID) -> None:
        async with self.db.transaction() as tx:
            await self.products.delete(tx, product_id, 2, self.clock.now)

    async def reserve(
        self, *wants: tuple[UUID, int], order_id: UUID | None = None, seen: str = ""
    ) -> Reservation | SoukError:
        [outcome] = await self.reserve_many([wish(*wants, order_id=order_id, seen=seen)])
        return outcome

    async def reserve_many(self, wishes: Sequence[Wish]) -> list[Reservation | SoukError]:
        return await self.store.reserve(wishes, self.clock.now, self.clock.now + timedelta(minutes=15))

    async def held(self, *wants: tuple[UUID, int]) -> UUID:
        outcome = await self.reserve(*wants)
        assert isinstance(outcome, Reservation)
        return outcome.order_id

    async def free(self, product_id: UUID) -> int | None:
        return (await self.store.free([product_id])).get(product_id)

    async def commit(self, order_id: UUID) -> ReservationState | None:
        return (await self.store.commit([order_id], self.clock.now)).get(order_id)

    async def release(self, order_id: UUID) -> ReservationState:
        return (await self.store.release(self.db, [order_id], self.clock.now))[order_id]

    async def write(self, made: Adjustment, before: int | None, after: int | None) -> None:
        async with self.db.transaction() as tx:
            assert await self.store.lock(tx, made.product_id) == before
            await self.store.write(tx, made, before=before, after=after)

    async def flips(self) -> dict[UUID, bool]:
        async with self.db.transaction() as tx:
            return dict(await self.store.take_availability_changes(tx, 100, self.clock.now))


def wish(*wants: tuple[UUID, int], order_id: UUID | None = None, seen: str = "") -> Wish:
    total = Decimal(seen) if seen else None
    return Wish.read(order_id or uuid4(), [Want(*want) for want in wants], total)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[Kept]:
    await Migrations("catalog").apply(database_url)
    db = Database(database_url, publishes=TOPIC, pool_size=20)
    await db.open()
    yield Kept(db, PostgresProductStore(db), PostgresStockStore(db), FakeClock())
    await db.close()


@pytest.fixture(params=["fake", "postgresql"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "postgresql":
        real: Kept = request.getfixturevalue("real")
        return real
    products = FakeProductStore()
    return Kept(FakeDatabase(), products, FakeStockStore(products), FakeClock())


async def test_what_is_reserved_is_priced_and_taken_in_the_order_wanted(kept: Kept) -> None:
    mug, cup = await kept.product(5), await kept.product(None, Money(250, "USD"), "Cup")

    made = await kept.reserve((mug, 2), (cup, 3))

    assert isinstance(made, Reservation)
    assert made.state is HELD
    assert [(line.product_id, line.name, line.unit_price, line.quantity) for line in made.lines] == [
        (mug, "Mug", Money(999, "USD"), 2),
        (cup, "Cup", Money(250, "USD"), 3),
    ]
    assert made.expire_time == kept.clock.now + timedelta(minutes=15)
    assert await kept.free(mug) == 3
    assert await kept.free(cup) is None


async def test_all_lines_are_taken_or_none(kept: Kept) -> None:
    mug, cup = await kept.product(5), await kept.product(1)

    refused = await kept.reserve((mug, 2), (cup, 4))

    assert isinstance(refused, OutOfStock)
    assert refused.details == {"lines": [{"product_id": PRODUCT.format(cup), "requested": 4, "available": 1}]}
    assert await kept.free(mug) == 5


async def test_the_same_order_again_is_answered_as_it_was_and_takes_nothing_more(kept: Kept) -> None:
    mug = await kept.product(5)
    first = await kept.reserve((mug, 2))
    assert isinstance(first, Reservation)
    kept.clock.advance(seconds=60)

    assert await kept.reserve((mug, 2), order_id=first.order_id) == first
    assert await kept.free(mug) == 3


async def test_unknown_and_deleted_products_are_named_by_their_place(kept: Kept) -> None:
    mug, gone = await kept.product(5), await kept.product(5)
    await kept.delete(gone)

    refused = await kept.reserve((mug, 1), (PRODUCT.new(), 1), (gone, 1))

    assert isinstance(refused, ProductNotFound)
    assert [fault.path for fault in refused.fields] == [("products", 1, "id"), ("products", 2, "id")]
    assert await kept.free(mug) == 5


async def test_an_order_has_one_currency(kept: Kept) -> None:
    dollars, yen = await kept.product(), await kept.product(price=Money(500, "JPY"))
    assert isinstance(await kept.reserve((dollars, 1), (yen, 1)), MixedCurrency)


@pytest.mark.parametrize("minor", [49, 100_000_000])
async def test_a_total_that_the_provider_does_not_charge_is_refused(kept: Kept, minor: int) -> None:
    product = await kept.product(5, Money(minor, "USD"))
    assert isinstance(await kept.reserve((product, 1)), TotalOutOfRange)
    assert await kept.free(product) == 5


async def test_the_total_that_the_buyer_saw_is_compared(kept: Kept) -> None:
    mug = await kept.product(5)

    refused = await kept.reserve((mug, 2), seen="19.97")

    assert isinstance(refused, PriceChanged)
    assert refused.details["total"] == "19.98"
    assert await kept.free(mug) == 5
    assert isinstance(await kept.reserve((mug, 2), seen="19.980"), Reservation)


async def test_what_is_committed_goes_back_as_returned_and_what_is_held_as_released(kept: Kept) -> None:
    mug = await kept.product(5)
    held, sold = await kept.held((mug, 1)), await kept.held((mug, 2))

    assert [await kept.commit(sold), await kept.commit(sold)] == [COMMITTED, COMMITTED]
    assert [await kept.release(sold), await kept.release(sold)] == [RETURNED, RETURNED]
    assert [await kept.release(held), await kept.release(held)] == [RELEASED, RELEASED]
    assert await kept.free(mug) == 5
    assert [await kept.commit(sold), await kept.commit(held)] == [RETURNED, RELEASED]
    assert await kept.commit(uuid4()) is None


async def test_an_order_that_ended_before_it_reserved_gets_nothing(kept: Kept) -> None:
    mug, order_id = await kept.product(5), uuid4()
    assert await kept.release(order_id) is RELEASED

    late = await kept.reserve((mug, 1), order_id=order_id)

    assert isinstance(late, Reservation)
    assert late.state is RELEASED
    assert await kept.free(mug) == 5


async def test_what_is_held_too_long_expires_and_what_is_sold_does_not(kept: Kept) -> None:
    mug = await kept.product(5)
    held, sold = await kept.held((mug, 1)), await kept.held((mug, 1))
    await kept.commit(sold)

    assert await kept.store.expire(kept.clock.now, 10) == 0
    kept.clock.advance(seconds=15 * 60)
    assert await kept.store.expire(kept.clock.now, 10) == 1

    assert await kept.free(mug) == 4
    assert [await kept.commit(held), await kept.commit(sold)] == [RELEASED, COMMITTED]


async def test_what_runs_out_and_what_comes_back_is_told_once(kept: Kept) -> None:
    mug, cup = await kept.product(1), await kept.product(5)
    first = await kept.held((mug, 1), (cup, 1))
    assert await kept.flips() == {mug: False}
    await kept.release(first)
    kept.clock.advance(seconds=1)
    assert await kept.flips() == {mug: True}
    assert await kept.flips() == {}


async def test_what_flips_often_is_told_once_a_second(kept: Kept) -> None:
    mug = await kept.product(1)
    told: list[tuple[UUID, bool]] = []
    for _ in range(30):
        held = await kept.held((mug, 1))
        told += (await kept.flips()).items()
        await kept.release(held)
        told += (await kept.flips()).items()
        kept.clock.advance(seconds=0.1)
    assert told == [(mug, False)] * 3
    kept.clock.advance(seconds=1)
    # However long ago: how it ended is told in the end.
    assert await kept.flips() == {mug: True}


async def test_adjustments_are_kept_with_who_did_what_when_and_why(kept: Kept) -> None:
    mug, boss = await kept.product(5), uuid4()
    made = StockChange.read(mug, -2, "broken", "monday").of(boss, kept.clock.now)

    await kept.write(made, 5, 3)

    assert await kept.free(mug) == 3
    first, second = await kept.store.adjustments(mug)
    assert (first.action, first.delta, second) == (Action.CREATE, 5, made)
    assert (made.action, made.delta, made.reason, made.actor_id) == (Action.ADJUST, -2, "broken", boss)
    async with kept.db.transaction() as tx:
        assert await kept.store.adjustment(tx, made.id) == made
        assert await kept.store.adjustment(tx, uuid4()) is None


async def test_an_adjustments_id_stands_for_one_product(kept: Kept) -> None:
    mug, cup, boss = await kept.product(5), await kept.product(5), uuid4()
    for_mug, for_cup = (StockChange.read(it, 1, "", "monday").of(boss, kept.clock.now) for it in (mug, cup))
    await kept.write(for_mug, 5, 6)

    with pytest.raises(IdempotencyConflict):
        await kept.write(for_cup, 5, 6)
    assert await kept.free(cup) == 5


async def test_tracking_ends_and_begins_again(kept: Kept) -> None:
    mug, boss = await kept.product(5), uuid4()
    held = await kept.held((mug, 2))

    await kept.write(StockCount.read(mug, None, 3, "").instead_of(3, boss, kept.clock.now), 3, None)
    assert await kept.free(mug) is None
    assert await kept.release(held) is RELEASED
    await kept.write(StockCount.read(mug, 9, None, "").instead_of(None, boss, kept.clock.now), None, 9)

    assert await kept.free(mug) == 9
    made = [(each.action, each.delta) for each in await kept.store.adjustments(mug)]
    # What came back while nobody counted is in no stock: it leaves the books.
    expected = [(Action.CREATE, 5), (Action.STOP_TRACKING, -3), (Action.FORGO, -2), (Action.SET, 9)]
    assert sorted(made) == sorted(expected)
    assert sum(delta for _, delta in made) == 9


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [(5, 0, False), (0, 5, True), (0, None, True), (None, 0, False)],
)
async def test_stock_that_is_set_tells_when_the_product_runs_out_or_comes_back(
    kept: Kept, before: int | None, after: int | None, told: bool
) -> None:
    mug = await kept.product(before)
    await kept.write(
        StockCount.read(mug, after, None, "").instead_of(before, uuid4(), kept.clock.now), before, after
    )
    assert await kept.flips() == {mug: told}


@pytest.mark.parametrize(("before", "after"), [(5, 6), (5, None), (None, 5), (0, 0)])
async def test_stock_that_is_set_otherwise_tells_nothing(
    kept: Kept, before: int | None, after: int | None
) -> None:
    mug = await kept.product(before)
    await kept.write(
        StockCount.read(mug, after, None, "").instead_of(before, uuid4(), kept.clock.now), before, after
    )
    assert await kept.flips() == {}


async def test_wishes_together_take_no_more_than_there_is(kept: Kept) -> None:
    mug, cup = await kept.product(3), await kept.product(0)
    # The first fails for its cup: the mugs that it wanted are there for the others.
    wishes = [wish((mug, 2), (cup, 1)), wish((mug, 2)), wish((mug, 1)), wish((mug, 1))]

    outcomes = await kept.reserve_many(wishes)

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, True, True, False]
    assert await kept.free(mug) == 0


async def test_a_wish_that_the_others_left_too_little_for_is_refused_with_what_they_left(kept: Kept) -> None:
    mug = await kept.product(5)
    outcomes = await kept.reserve_many([wish((mug, 9)), wish((mug, 4)), wish((mug, 3))])

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, True, False]
    [shown] = [each for each in outcomes[2:] if isinstance(each, OutOfStock)]
    assert shown.details == {"lines": [{"product_id": PRODUCT.format(mug), "requested": 3, "available": 1}]}


async def test_a_wish_of_several_products_that_was_only_crowded_out_gets_all_of_them(kept: Kept) -> None:
    mug, cup, pot = await kept.product(4), await kept.product(4), await kept.product(0)
    crowds = [wish((mug, 3), (pot, 1)), wish((cup, 3), (pot, 1))]
    outcomes = await kept.reserve_many([*crowds, wish((cup, 2), (mug, 2)), wish((mug, 3)), wish((cup, 2))])

    assert [isinstance(each, Reservation) for each in outcomes] == [False, False, True, False, True]
    assert [await kept.free(each) for each in (mug, cup)] == [2, 0]


async def test_a_total_off_its_currencys_step_is_refused(kept: Kept) -> None:
    # A price from before there was a step.
    old = await kept.product(10, Money(18_610, "KWD"))
    await kept.set_price(old, Money(18_605, "KWD"))
    refused = await kept.reserve((old, 1))
    assert isinstance(refused, TotalOutOfRange)
    assert "multiple of 0.010 KWD" in str(refused)
    assert isinstance(await kept.reserve((old, 2)), Reservation)


async def test_the_declared_tables_are_the_migrated_ones(database_url: str) -> None:
    await Migrations("catalog").apply(database_url)
    await assert_tables_match(database_url, TABLES)


async def test_two_hundred_buyers_of_fifty_leave_none_and_never_less(real: Kept) -> None:
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


async def test_what_a_batch_finds_out_of_stock_is_tried_again_together(real: Kept) -> None:
    mug = await real.product(50)
    wishes = [wish((mug, 51)), *(wish((mug, 1)) for _ in range(63))]
    counting = Counting(real.db)

    outcomes = await PostgresStockStore(counting).reserve(  # type: ignore[arg-type]
        wishes, real.clock.now, real.clock.now + timedelta(minutes=15)
    )

    assert Counter(map(type, outcomes)) == {Reservation: 50, OutOfStock: 14}
    assert [isinstance(each, Reservation) for each in outcomes] == [False, *[True] * 50, *[False] * 13]
    assert len(counting.statements) <= 4


async def test_one_replica_tells_at_a_time(real: Kept) -> None:
    mug = await real.product(1)
    await real.held((mug, 1))
    told = await _at_once(real.flips() for _ in range(10))
    assert [each for each in told if each] == [{mug: False}]


async def test_one_order_reserved_many_times_at_once_takes_once(real: Kept) -> None:
    mug, order_id = await real.product(50), uuid4()
    outcomes = await _at_once(real.reserve((mug, 2), order_id=order_id) for _ in range(20))
    assert len({repr(outcome) for outcome in outcomes}) == 1
    assert await real.free(mug) == 48


async def test_products_wanted_in_any_order_do_not_deadlock(real: Kept) -> None:
    products = [await real.product(10_000) for _ in range(5)]

    async def shopper(turn: int) -> None:
        order = products[turn % 5 :] + products[: turn % 5]
        held = await real.held(*((product, 1) for product in (order if turn % 2 else reversed(order))))
        await (real.commit(held) if turn % 3 else real.release(held))
        await real.release(held)

    await _at_once(shopper(turn) for turn in range(60))
    assert [await real.free(product) for product in products] == [10_000] * 5


async def test_a_release_that_meets_its_reservation_leaves_nothing_taken(real: Kept) -> None:
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
    real: Kept, database_url: str
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
    real: Kept, database_url: str
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
