"""Reservations made, committed and released at the same time, on PostgreSQL."""

import asyncio
from collections import Counter
from dataclasses import replace
from uuid import uuid4

from catalog.reservations.domain import Reservation
from catalog.reservations.errors import OutOfStock
from catalog.reservations.tests.fakes import HELD, RELEASED
from catalog.reservations.tests.stores import Stores, real
from catalog.tests.concurrently import concurrently, task
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from kit.testing.rival import count_lock_waits

__all__ = ["database_url", "postgres", "real"]


async def test_two_hundred_buyers_of_fifty_pieces_take_exactly_fifty(real: Stores) -> None:
    mug = await real.product(50)
    outcomes = await concurrently(real.reserve((mug, 1)) for _ in range(200))
    taken = Counter(type(outcome) for outcome in outcomes)
    assert taken == {Reservation: 50, OutOfStock: 150}
    assert await real.free(mug) == 0


async def test_only_one_replica_publishes_at_a_time(real: Stores) -> None:
    mug = await real.product(1)
    await real.held((mug, 1))
    published = await concurrently(real.availability_changes() for _ in range(10))
    assert [changes for changes in published if changes] == [{mug: False}]


async def test_concurrent_requests_for_one_order_take_stock_once(real: Stores) -> None:
    mug, order_id = await real.product(50), uuid4()
    outcomes = await concurrently(real.reserve((mug, 2), order_id=order_id) for _ in range(20))
    reservations = [outcome for outcome in outcomes if isinstance(outcome, Reservation)]
    assert len(reservations) == 20
    assert sum(reservation.created for reservation in reservations) == 1
    assert len({repr(replace(reservation, created=False)) for reservation in reservations}) == 1
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
    return await count_lock_waits(database_url) == count
