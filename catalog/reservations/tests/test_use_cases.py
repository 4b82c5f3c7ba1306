"""What the use cases of reservations take, return and reject."""

from datetime import timedelta

import pytest

from catalog.reservations.domain import ReservationState
from catalog.reservations.errors import OutOfStock
from catalog.tests.shop import Shop, request
from kit.errors import IdempotencyConflict
from kit.values import ORDER, PRODUCT


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_reservation_is_priced_and_held_for_its_lifetime(shop: Shop) -> None:
    mug = await shop.product(stock=5)

    reservation = await shop.reservations.reserve(request(mug, 2))

    assert reservation.state is ReservationState.HELD
    assert reservation.expire_time == shop.clock.now + timedelta(minutes=15)
    assert [(line.name, line.quantity) for line in reservation.lines] == [("Mug", 2)]
    assert await shop.free(mug) == 3


async def test_each_request_of_a_batch_gets_its_own_outcome(shop: Shop) -> None:
    mug = await shop.product(stock=3)

    outcomes = await shop.reservations.reserve_many(
        [request(mug, 2), request(mug, 2), request(PRODUCT.new()), request(mug)]
    )

    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Reservation",
        "OutOfStock",
        "ProductNotFound",
        "Reservation",
    ]
    assert await shop.free(mug) == 0


async def test_an_order_can_repeat_its_request_but_not_change_it(shop: Shop) -> None:
    mug = await shop.product(stock=5)
    order_id = await shop.reserve(mug, 2)

    again = await shop.reservations.reserve(request(mug, 2, order_id=order_id))

    assert again.order_id == order_id
    with pytest.raises(IdempotencyConflict):
        await shop.reservations.reserve(request(mug, 3, order_id=order_id))
    assert await shop.free(mug) == 3


async def test_a_rejected_request_takes_nothing(shop: Shop) -> None:
    mug = await shop.product(stock=1)

    with pytest.raises(OutOfStock):
        await shop.reservations.reserve(request(mug, 2))
    assert await shop.free(mug) == 1


async def test_a_commit_returns_the_resulting_state(shop: Shop) -> None:
    mug = await shop.product(stock=5)
    held, released = await shop.reserve(mug), await shop.reserve(mug)
    await shop.reservations.release(released)

    assert await shop.reservations.commit(held) is ReservationState.COMMITTED
    assert await shop.reservations.commit(held) is ReservationState.COMMITTED
    assert await shop.reservations.commit(released) is ReservationState.RELEASED
    assert await shop.reservations.commit(ORDER.new()) is None


async def test_a_cancelled_order_returns_its_stock_once(shop: Shop) -> None:
    mug = await shop.product(stock=5)
    held, sold = await shop.reserve(mug, 2), await shop.reserve(mug)
    await shop.reservations.commit(sold)

    for order_id in (held, sold, held, sold):
        await shop.cancel(order_id)

    assert await shop.free(mug) == 5
    assert await shop.reservations.release(held) is ReservationState.RELEASED
    assert await shop.reservations.release(sold) is ReservationState.RETURNED


async def test_an_order_that_was_cancelled_before_it_reserved_takes_nothing(shop: Shop) -> None:
    mug = await shop.product(stock=5)
    order_id = ORDER.new()
    await shop.cancel(order_id)

    late = await shop.reservations.reserve(request(mug, order_id=order_id))

    assert late.state is ReservationState.RELEASED
    assert await shop.free(mug) == 5


async def test_all_expired_reservations_are_released_in_batches(shop: Shop) -> None:
    mug = await shop.product(stock=1000)
    for _ in range(450):
        await shop.reserve(mug)
    sold = await shop.reserve(mug)
    await shop.reservations.commit(sold)

    shop.clock.advance(minutes=14, seconds=59)
    await shop.reservations.expire()
    assert await shop.free(mug) == 549
    shop.clock.advance(seconds=1)
    await shop.reservations.expire()
    assert await shop.free(mug) == 999
