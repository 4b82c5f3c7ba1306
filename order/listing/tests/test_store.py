"""The contract of ListingStore, on the fake and on PostgreSQL: filters, counts, and stable pages while orders change."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import product
from random import Random
from uuid import uuid4

import pytest

from kit.testing.copy_rows import copy_rows
from kit.testing.fixtures import database_url, postgres
from order.listing.ports import OrderFilter, OrderOwner, OrderSummary
from order.orders.domain import CancelReason, Order, Status
from order.tests.store_contract import NO_LIMITS, StoreHarness, harness, ids, postgres_harness

__all__ = ["database_url", "harness", "postgres", "postgres_harness"]


async def some(harness: StoreHarness, count: int, random: Random) -> list[Order]:
    """Orders of two accounts in every status, some of them made in the same instant; oldest first."""
    other = uuid4()
    new_orders = []
    for _ in range(count):
        new_orders.append(harness.new_order(account=random.choice([None, other])))
        harness.clock.advance(seconds=random.choice([0, 0, 1]))
    await harness.placing.place(new_orders, NO_LIMITS)
    for new in new_orders:
        for step in range(random.randrange(5)):
            await harness.change(new.event.order, partial(_step, step=step))
    stored = [await harness.store.get(new.event.order.id, None) for new in new_orders]
    return [order for order in stored if order]


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


def _matches(order: Order, filter: OrderFilter) -> bool:
    return (
        filter.account_id in (None, order.account_id)
        and (filter.statuses is None or order.status in filter.statuses)
        and (filter.created_after is None or order.create_time >= filter.created_after)
        and (filter.created_before is None or order.create_time < filter.created_before)
    )


def _newest_first(orders: list[Order]) -> list[Order]:
    return sorted(orders, key=lambda order: (order.create_time, order.id), reverse=True)


async def test_every_combination_of_filters_returns_and_counts_matching_orders(harness: StoreHarness) -> None:
    orders = await some(harness, 40, Random(7))
    instants: list[datetime | None] = [None, orders[10].create_time, orders[30].create_time]
    statuses: list[tuple[Status, ...] | None] = [
        None,
        (),
        *((status,) for status in Status),
        (Status.PENDING, Status.CANCELLED),
    ]

    for account, statuses_filter, after, before in product(
        [None, harness.account, uuid4()], statuses, instants, instants
    ):
        filter = OrderFilter(account, statuses_filter, after, before)
        expected = _newest_first([order for order in orders if _matches(order, filter)])
        assert await harness.listing.page(filter, None, 100) == expected
        assert await harness.listing.count(filter) == len(expected)


@pytest.mark.parametrize("seed", range(5))
async def test_pages_show_each_order_once_while_orders_are_added_and_changed(
    harness: StoreHarness, seed: int
) -> None:
    random = Random(seed)
    orders = _newest_first(await some(harness, 30, random))
    filter = random.choice([OrderFilter(), OrderFilter(harness.account)])
    expected = [order.id for order in orders if _matches(order, filter)]
    seen, after = [], None

    while page := await harness.listing.page(filter, after, random.randint(1, 7)):
        seen += ids(page)
        after = (page[-1].create_time, page[-1].id)
        await harness.placing.place([harness.new_order() for _ in range(random.randrange(3))], NO_LIMITS)
        await harness.change(random.choice(orders), lambda order: _cancel(order))
        harness.clock.advance(seconds=1)

    assert seen == expected


async def test_pages_of_one_status_show_each_order_that_keeps_the_status_once(harness: StoreHarness) -> None:
    orders = [order for order in await some(harness, 40, Random(3)) if order.status is Status.PENDING]
    changing = orders[::3]
    filter = OrderFilter(statuses=(Status.PENDING,))
    seen, after = [], None

    while page := await harness.listing.page(filter, after, 3):
        seen += ids(page)
        after = (page[-1].create_time, page[-1].id)
        if changing:
            await harness.change(changing.pop(), lambda order: _cancel(order))

    staying = [order.id for order in orders if order not in orders[::3]]
    assert len(seen) == len(set(seen))
    assert set(staying) <= set(seen) <= set(ids(orders))


async def test_the_batch_page_of_an_account_is_the_first_page_of_its_list(harness: StoreHarness) -> None:
    orders = await some(harness, 40, Random(5))
    accounts = [*{order.account_id for order in orders}, uuid4()]
    for statuses in (None, (), (Status.PENDING, Status.CANCELLED)):
        filter = OrderFilter(statuses=statuses)
        stored = await harness.listing.page_by_account(filter, accounts, 3)
        totals = await harness.listing.count_by_account(filter, accounts)
        for account in accounts:
            own = replace(filter, account_id=account)
            assert list(stored.get(account, ())) == await harness.listing.page(own, None, 3)
            assert totals.get(account, 0) == await harness.listing.count(own)


async def test_orders_are_counted_exactly_up_to_ten_thousand(
    postgres_harness: StoreHarness,
) -> None:
    [order] = await postgres_harness.place()
    mixes: list[tuple[Status, ...] | None] = [None, (Status.PENDING,), (Status.PENDING, Status.SHIPPED)]
    lists = [OrderFilter(account, statuses) for account in (None, order.account_id) for statuses in mixes]
    different = {"id": "gen_random_uuid()", "number": "nextval('order_numbers')"}
    await copy_rows(postgres_harness.db, "orders", 9_999, request_id="n::text", **different)
    assert [await postgres_harness.listing.count(filter) for filter in lists] == [10_000] * 6
    assert await postgres_harness.listing.count_by_account(OrderFilter(), [order.account_id]) == {
        order.account_id: 10_000
    }

    await copy_rows(postgres_harness.db, "orders", 1, request_id="'another'", **different)

    assert [await postgres_harness.listing.count(filter) for filter in lists] == [None] * 6
    counted = [
        await postgres_harness.listing.count_by_account(OrderFilter(statuses=statuses), [order.account_id])
        for statuses in mixes
    ]
    assert counted == [{order.account_id: None}] * 3


async def test_a_repeated_status_in_the_filter_shows_its_orders_once(harness: StoreHarness) -> None:
    orders = await harness.place(3)
    filter = OrderFilter(statuses=(Status.PENDING, Status.PENDING))
    assert ids(await harness.listing.page(filter, None, 10)) == ids(orders)[::-1]
    assert await harness.listing.count(filter) == 3


def _cancel(order: Order) -> object:
    if order.status not in (Status.PENDING, Status.CONFIRMED):
        return None
    return order.cancel(CancelReason.ADMIN, order.create_time)


async def test_pages_are_newest_first_and_continue_after_an_order(harness: StoreHarness) -> None:
    orders = (await harness.place(5))[::-1]
    mine = OrderFilter(account_id=harness.account)

    assert ids(await harness.listing.page(mine, None, 2)) == ids(orders[:2])
    assert ids(await harness.listing.page(mine, (orders[1].create_time, orders[1].id), 9)) == ids(orders[2:])


async def test_orders_of_the_same_instant_are_sorted_by_id(harness: StoreHarness) -> None:
    new_orders = [harness.new_order() for _ in range(6)]
    await harness.placing.place(new_orders, NO_LIMITS)
    expected = sorted((new.event.order.id for new in new_orders), reverse=True)

    assert (
        ids(await harness.listing.page(OrderFilter(harness.account), (harness.clock.now, expected[2]), 9))
        == expected[3:]
    )


async def test_filters_apply_to_pages_and_counts(harness: StoreHarness) -> None:
    failed = await harness.place_cancelled()
    first, second = await harness.place(2)
    await harness.place(account=uuid4())

    for filter, expected in [
        (OrderFilter(harness.account, (Status.CANCELLED,)), [failed]),
        (OrderFilter(harness.account, (Status.PENDING, Status.CANCELLED)), [second, first, failed]),
        (OrderFilter(harness.account, created_after=first.create_time), [second, first]),
        (OrderFilter(harness.account, created_before=second.create_time), [first, failed]),
    ]:
        assert ids(await harness.listing.page(filter, None, 9)) == ids(expected)
        assert await harness.listing.count(filter) == len(expected)


async def test_an_order_is_found_by_its_number_among_those_that_match(harness: StoreHarness) -> None:
    first, second = await harness.place(2)

    for filter, matches in [
        (OrderFilter(number=second.number), [second.id]),
        (OrderFilter(number=first.number, account_id=harness.account), [first.id]),
        (OrderFilter(number=first.number, statuses=(Status.PENDING, Status.SHIPPED)), [first.id]),
        (OrderFilter(number=first.number, statuses=(Status.SHIPPED,)), []),
        (OrderFilter(number=first.number, account_id=uuid4()), []),
        (OrderFilter(number=1), []),
    ]:
        assert ids(await harness.listing.page(filter, None, 10)) == matches
        assert await harness.listing.count(filter) == len(matches)


async def test_the_orders_of_accounts_are_summarized(harness: StoreHarness) -> None:
    [pending] = await harness.place()
    ended = await harness.place_cancelled()
    stranger, other = uuid4(), uuid4()
    [others] = await harness.place(account=other)
    await harness.change(others, lambda stored: stored.payment_failed("card_declined", harness.clock.now))
    placed = await harness.store.get(ended.id, None)
    assert placed

    summaries = await harness.listing.summaries([harness.account, other, stranger])

    assert summaries.keys() == {harness.account, other}
    assert summaries[harness.account] == OrderSummary(True, placed.update_time)
    assert not summaries[other].has_open
    assert pending.update_time < placed.update_time


async def test_an_order_is_of_the_account_that_its_number_names(harness: StoreHarness) -> None:
    [order] = await harness.place()
    assert await harness.listing.owner(order.number) == OrderOwner(harness.account, paid=False)
    assert await harness.listing.owner(1) is None
    await harness.change(order, lambda changed: changed.payment_succeeded(True, order.create_time))
    assert await harness.listing.owner(order.number) == OrderOwner(harness.account, paid=True)
