"""Carts that change hands, on PostgreSQL: merging, reopening, erasure."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.auth import Principal
from kit.db import DatabaseContention
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer
from kit.values import PRODUCT, Money
from order.addresses.domain import Address
from order.carts.domain import MAX_LINES, Cart, CartChange
from order.lines.domain import Line
from order.orders.domain import Order, Schedule
from order.tests.cart_harness import CartHarness, carts

__all__ = ["carts", "database_url", "postgres"]

ADDRESS = Address("John Doe", "Bahnhofstrasse 1", "", "Zürich", "ZH", "8001", "CH")


def cancelled_order(order_id: UUID, cart_id: UUID) -> Order:
    """An order of a cart, cancelled because it was not paid in time."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    line = Line(PRODUCT.new(), "Mug", Money(999, "USD"), 1)
    schedule = Schedule(now, now)
    order = Order.place(order_id, 1001, uuid4(), [line], None, "", schedule, now, cart_id).order
    assert order.expire(now)
    return order


async def merge(carts: CartHarness, guest: Principal, into: Principal) -> bool:
    async with carts.db.transaction() as tx:
        return await carts.moves.merge(tx, guest.account_id, into.account_id)


async def reopen(carts: CartHarness, *ordered: tuple[Cart, UUID]) -> None:
    orders: Sequence[Order] = [cancelled_order(order_id, cart.id) for cart, order_id in ordered]
    async with carts.db.transaction() as tx:
        await carts.moves.reopen(tx, orders)


async def test_a_merge_takes_the_larger_quantity_and_is_idempotent(carts: CartHarness) -> None:
    guest, mug, pen, cup = customer(), *(carts.prices.sell() for _ in range(3))
    await carts.add({mug: 5, pen: 1}, guest)
    await carts.add({mug: 3, cup: 2})
    old = await carts.cart(guest)

    assert await merge(carts, guest, carts.caller)
    assert await merge(carts, guest, carts.caller)

    cart = await carts.cart()
    assert await carts.quantities() == {mug: 5, pen: 1, cup: 2}
    assert await carts.states() == {cart.id: "OPEN", old.id: "MERGED"}
    assert await carts.db.fetchval("SELECT merged_into FROM carts WHERE id = $1", old.id) == cart.id
    assert await carts.db.fetchval("SELECT count(*) FROM carts WHERE account_id = $1", guest.account_id) == 0


async def test_a_guests_cart_becomes_that_of_an_account_without_one(carts: CartHarness) -> None:
    guest, mug = customer(), carts.prices.sell()
    await carts.add({mug: 5}, guest)
    old = await carts.cart(guest)

    assert await merge(carts, guest, carts.caller)

    cart = await carts.cart()
    assert (cart.id, cart.version) == (old.id, old.version + 1)
    assert await carts.quantities() == {mug: 5}
    assert await carts.quantities(guest) == {}


async def test_a_merge_without_a_guests_cart_changes_nothing(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 5})
    before = await carts.cart()

    assert await merge(carts, customer(), carts.caller)

    assert await carts.cart() == before


async def test_concurrent_merges_and_additions_keep_every_unit_that_was_added_after_them(
    carts: CartHarness,
) -> None:
    guest, mug = customer(), carts.prices.sell()
    await carts.add({mug: 5}, guest)

    await asyncio.gather(
        *(_merge_again(carts, guest) for _ in range(10)), *(carts.add({mug: 1}) for _ in range(3))
    )

    assert 5 <= (await carts.quantities())[mug] <= 8
    assert sorted((await carts.states()).values()) in (["OPEN"], ["MERGED", "OPEN"])


async def test_two_currencies_stay_apart_and_are_reported(carts: CartHarness) -> None:
    guest, mug, pen = customer(), carts.prices.sell(), carts.prices.sell(currency="EUR")
    await carts.add({mug: 5}, guest)
    await carts.add({pen: 1})
    old = await carts.cart(guest)

    assert not await merge(carts, guest, carts.caller)

    assert await carts.quantities() == {pen: 1}
    assert await carts.db.fetchval("SELECT quantity FROM cart_lines WHERE cart_id = $1", old.id) == 5
    assert (await carts.states())[old.id] == "MERGED"


async def test_addresses_fill_gaps(carts: CartHarness) -> None:
    guest, other = customer(), replace(ADDRESS, city="Bern")
    both = CartChange(frozenset({"shipping_address", "billing_address", "note"}), other, other, note="Ring")
    await carts.carts.change(guest, both)
    await carts.carts.change(carts.caller, CartChange(frozenset({"shipping_address"}), ADDRESS))

    await merge(carts, guest, carts.caller)

    cart = await carts.cart()
    assert (cart.shipping_address, cart.billing_address, cart.note) == (ADDRESS, other, "Ring")


async def test_lines_above_the_limit_stay_and_are_reported(carts: CartHarness) -> None:
    guest, shared = customer(), carts.prices.sell()
    await carts.add({carts.prices.sell(): 1 for _ in range(MAX_LINES - 2)} | {shared: 1})
    await carts.add({carts.prices.sell(): 1 for _ in range(3)} | {shared: 9}, guest)

    assert not await merge(carts, guest, carts.caller)

    quantities = await carts.quantities()
    assert (len(quantities), quantities[shared]) == (MAX_LINES, 9)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    guest_quantities=st.dictionaries(st.integers(0, 5), st.integers(1, 100)),
    account_quantities=st.dictionaries(st.integers(0, 5), st.integers(1, 100)),
    repetitions=st.integers(1, 3),
)
async def test_of_every_variant_the_larger_quantity_counts(
    carts: CartHarness,
    guest_quantities: dict[int, int],
    account_quantities: dict[int, int],
    repetitions: int,
) -> None:
    products = [carts.prices.sell() for _ in range(6)]
    guest, caller = customer(), customer()
    for owner, quantities in ((guest, guest_quantities), (caller, account_quantities)):
        if quantities:
            await carts.add({products[index]: quantity for index, quantity in quantities.items()}, owner)

    for _ in range(repetitions):
        assert await merge(carts, guest, caller)

    expected = {
        products[index]: max(guest_quantities.get(index, 0), account_quantities.get(index, 0))
        for index in guest_quantities | account_quantities
    }
    assert await carts.quantities(caller) == expected


async def test_the_cart_of_an_unpaid_order_opens_again_at_a_new_version(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 5})
    cart = await carts.cart()
    order_id = await carts.order(cart)

    await reopen(carts, (cart, order_id))
    await reopen(carts, (cart, order_id))

    again = await carts.cart()
    assert (again.id, again.version, again.lines) == (cart.id, cart.version + 1, cart.lines)


async def test_a_reopened_cart_merges_into_the_one_that_is_open(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell()
    await carts.add({mug: 5, pen: 1})
    old = await carts.cart()
    order_id = await carts.order(old)
    await carts.add({mug: 2})
    new = await carts.cart()

    await reopen(carts, (old, order_id))

    assert await carts.quantities() == {mug: 5, pen: 1}
    assert await carts.states() == {old.id: "MERGED", new.id: "OPEN"}
    assert (await carts.cart()).version == new.version + 1


async def test_of_several_carts_of_an_account_the_newest_opens_and_takes_the_lines_of_the_others(
    carts: CartHarness,
) -> None:
    mug, other, ordered = carts.prices.sell(), customer(), []
    for quantity in (4, 2, 3):
        await carts.add({mug: quantity})
        cart = await carts.cart()
        ordered.append((cart, await carts.order(cart)))
    await carts.add({mug: 1}, other)
    ordered.append((await carts.cart(other), await carts.order(await carts.cart(other))))

    await reopen(carts, *ordered)

    assert (await carts.cart()).id == ordered[2][0].id
    assert (await carts.quantities(), await carts.quantities(other)) == ({mug: 4}, {mug: 1})
    assert sorted((await carts.states()).values()) == ["MERGED", "MERGED", "OPEN", "OPEN"]


async def test_a_cart_that_belongs_to_a_later_order_stays_ordered(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 5})
    cart = await carts.cart()
    first = await carts.order(cart)
    await reopen(carts, (cart, first))
    await carts.order(await carts.cart())

    await reopen(carts, (cart, first))

    assert await carts.states() == {cart.id: "ORDERED"}


async def test_reopening_beside_concurrent_additions_leaves_one_open_cart(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    for number in range(1, 11):
        await carts.add({mug: number})
        cart = await carts.cart()
        order_id = await carts.order(cart)

        await asyncio.gather(_reopen_again(carts, cart, order_id), carts.add({mug: 1}))

        assert list((await carts.states()).values()).count("OPEN") == 1
        assert (await carts.quantities())[mug] >= number
        await carts.db.execute("DELETE FROM carts")


async def test_erasure_deletes_the_carts_of_an_account(carts: CartHarness) -> None:
    other, mug = customer(), carts.prices.sell()
    await carts.add({mug: 5})
    await carts.order(await carts.cart())
    await carts.add({mug: 1})
    await carts.add({mug: 1}, other)

    async with carts.db.transaction() as tx:
        await carts.moves.erase(tx, carts.caller.account_id)

    assert list(await carts.states()) == [(await carts.cart(other)).id]
    assert await carts.db.fetchval("SELECT count(*) FROM cart_lines") == 1
    assert await carts.db.fetchval("SELECT count(*) FROM cart_requests") == 1


async def _merge_again(carts: CartHarness, guest: Principal) -> None:
    """As a consumer does: until no concurrent change is in the way."""
    while True:
        try:
            await merge(carts, guest, carts.caller)
        except DatabaseContention:
            continue
        return


async def _reopen_again(carts: CartHarness, cart: Cart, order_id: UUID) -> None:
    while True:
        try:
            await reopen(carts, (cart, order_id))
        except DatabaseContention:
            continue
        return


async def test_a_merged_guest_keeps_no_cart_whether_the_event_or_the_call_comes_first(
    carts: CartHarness,
) -> None:
    visitor, mug = customer(), carts.prices.sell()
    await carts.add({mug: 5}, visitor)

    for _ in range(5):
        assert await merge(carts, visitor, carts.caller)
        await carts.guest_carts.merge(carts.caller, carts.guests.token(visitor))

    assert await carts.quantities() == {mug: 5}
    assert await carts.quantities(visitor) == {}
