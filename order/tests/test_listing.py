"""Lists of orders, on the fake and on PostgreSQL: filters are complete, and pages stay so while orders arrive and change."""

from dataclasses import replace
from datetime import datetime
from itertools import product
from random import Random
from uuid import uuid4

import pytest

from kit.testing.copy_rows import copy_rows
from kit.testing.fixtures import database_url, postgres
from order.domain import CancelReason, Order, Status
from order.ports import OrderFilter
from order.tests.keeping import ROOMY, Kept, ids, kept, real

__all__ = ["database_url", "kept", "postgres", "real"]


async def some(kept: Kept, count: int, random: Random) -> list[Order]:
    """Orders of two accounts in every status, some of them made in the same instant; oldest first."""
    other = uuid4()
    placements = []
    for _ in range(count):
        placements.append(kept.placement(account=random.choice([None, other])))
        kept.clock.advance(seconds=random.choice([0, 0, 1]))
    await kept.store.place(placements, ROOMY)
    for placement in placements:
        for step in range(random.randrange(5)):
            await kept.change(placement.fact.order, lambda order, step=step: _step(order, step))
    found = [await kept.store.get(placement.fact.order.id, None) for placement in placements]
    return [order for order in found if order]


def _step(order: Order, step: int) -> object:
    now = order.create_time
    match step, order.status:
        case 0, Status.PENDING:
            return order.payment_succeeded(True, now) if order.id.int % 4 else order.payment_failed("", now)
        case 1, Status.CONFIRMED:
            return order.ship(now)
        case 2, Status.SHIPPED:
            return order.deliver(now)
    return None


def _wanted(order: Order, which: OrderFilter) -> bool:
    return (
        which.account_id in (None, order.account_id)
        and (which.statuses is None or order.status in which.statuses)
        and (which.created_after is None or order.create_time >= which.created_after)
        and (which.created_before is None or order.create_time < which.created_before)
    )


def _newest_first(orders: list[Order]) -> list[Order]:
    return sorted(orders, key=lambda order: (order.create_time, order.id), reverse=True)


async def test_every_mix_of_filters_finds_what_it_names_and_counts_it(kept: Kept) -> None:
    orders = await some(kept, 40, Random(7))
    instants: list[datetime | None] = [None, orders[10].create_time, orders[30].create_time]
    statuses: list[tuple[Status, ...] | None] = [
        None,
        (),
        *((status,) for status in Status),
        (Status.PENDING, Status.CANCELLED),
    ]

    for account, chosen, after, before in product(
        [None, kept.account, uuid4()], statuses, instants, instants
    ):
        which = OrderFilter(account, chosen, after, before)
        expected = _newest_first([order for order in orders if _wanted(order, which)])
        assert await kept.store.page(which, None, 100) == expected
        assert await kept.store.count(which) == len(expected)


@pytest.mark.parametrize("seed", range(5))
async def test_pages_show_each_order_once_while_others_arrive_and_change(kept: Kept, seed: int) -> None:
    random = Random(seed)
    orders = _newest_first(await some(kept, 30, random))
    which = random.choice([OrderFilter(), OrderFilter(kept.account)])
    expected = [order.id for order in orders if _wanted(order, which)]
    seen, after = [], None

    while page := await kept.store.page(which, after, random.randint(1, 7)):
        seen += ids(page)
        after = (page[-1].create_time, page[-1].id)
        await kept.store.place([kept.placement() for _ in range(random.randrange(3))], ROOMY)
        await kept.change(random.choice(orders), lambda order: _cancel(order))
        kept.clock.advance(seconds=1)

    assert seen == expected


async def test_pages_of_one_status_show_each_that_keeps_it_once(kept: Kept) -> None:
    orders = [order for order in await some(kept, 40, Random(3)) if order.status is Status.PENDING]
    leaving = orders[::3]
    which = OrderFilter(statuses=(Status.PENDING,))
    seen, after = [], None

    while page := await kept.store.page(which, after, 3):
        seen += ids(page)
        after = (page[-1].create_time, page[-1].id)
        if leaving:
            await kept.change(leaving.pop(), lambda order: _cancel(order))

    staying = [order.id for order in orders if order not in orders[::3]]
    assert len(seen) == len(set(seen))
    assert set(staying) <= set(seen) <= set(ids(orders))


async def test_the_newest_of_each_account_are_what_its_own_list_begins_with(kept: Kept) -> None:
    orders = await some(kept, 40, Random(5))
    accounts = [*{order.account_id for order in orders}, uuid4()]
    for statuses in (None, (), (Status.PENDING, Status.CANCELLED)):
        which = OrderFilter(statuses=statuses)
        found = await kept.store.page_each(which, accounts, 3)
        totals = await kept.store.count_each(which, accounts)
        for account in accounts:
            own = replace(which, account_id=account)
            assert list(found.get(account, ())) == await kept.store.page(own, None, 3)
            assert totals.get(account, 0) == await kept.store.count(own)


async def test_a_list_is_counted_exactly_to_ten_thousand_and_not_beyond(real: Kept) -> None:
    [order] = await real.placed()
    mixes: list[tuple[Status, ...] | None] = [None, (Status.PENDING,), (Status.PENDING, Status.SHIPPED)]
    lists = [OrderFilter(account, statuses) for account in (None, order.account_id) for statuses in mixes]
    await copy_rows(real.db, "orders", 9_999, id="gen_random_uuid()", request_id="n::text")
    assert [await real.store.count(which) for which in lists] == [10_000] * 6
    assert await real.store.count_each(OrderFilter(), [order.account_id]) == {order.account_id: 10_000}

    await copy_rows(real.db, "orders", 1, id="gen_random_uuid()", request_id="'another'")

    assert [await real.store.count(which) for which in lists] == [None] * 6
    counted = [
        await real.store.count_each(OrderFilter(statuses=statuses), [order.account_id]) for statuses in mixes
    ]
    assert counted == [{order.account_id: None}] * 3


async def test_a_status_that_is_named_twice_shows_its_orders_once(kept: Kept) -> None:
    orders = await kept.placed(3)
    which = OrderFilter(statuses=(Status.PENDING, Status.PENDING))
    assert ids(await kept.store.page(which, None, 10)) == ids(orders)[::-1]
    assert await kept.store.count(which) == 3


def _cancel(order: Order) -> object:
    if order.status not in (Status.PENDING, Status.CONFIRMED):
        return None
    return order.cancel(CancelReason.ADMIN, order.create_time)
