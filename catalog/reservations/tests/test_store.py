"""The contract of ReservationStore, on the fake and on PostgreSQL."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from catalog.products.errors import ProductNotFound
from catalog.reservations.domain import Reservation
from catalog.reservations.errors import OutOfStock, PriceChanged, TotalOutOfRange
from catalog.reservations.tests.fakes import COMMITTED, HELD, RELEASED, RETURNED
from catalog.reservations.tests.stores import Stores, real, stores
from catalog.stock.domain import Action, StockOverride
from catalog.tables import TABLES
from kit.db import Migrations, assert_tables_match
from kit.testing.fixtures import database_url, postgres
from kit.values import PRODUCT, MixedCurrency, Money

__all__ = ["database_url", "postgres", "real", "stores"]


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

    again = await stores.reserve((mug, 2), order_id=first.order_id)

    assert again == first
    assert isinstance(again, Reservation)
    assert (first.created, again.created) == (True, False)
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
