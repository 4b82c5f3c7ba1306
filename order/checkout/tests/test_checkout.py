"""Checkout on PostgreSQL: one order for each version of a cart, what rejects it, and what happens to the cart."""

import asyncio

import pytest

from kit.auth import Principal
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer, guest
from kit.values import Money
from order.carts.domain import CartChange
from order.checkout.domain import CheckOut
from order.checkout.errors import CartNotFound
from order.checkout.tests.checking_out import check_out, ship_to
from order.orders.domain import CancelReason, Order
from order.placing.errors import CartChanged
from order.tests.cart_harness import CartHarness, carts
from order.tests.rules import HOME, POST, delivering

__all__ = ["carts", "database_url", "postgres"]


async def stored(carts: CartHarness, order: Order) -> Order:
    return await carts.orders.get(Principal(order.account_id, carts.caller.role, order.id), order.id)


async def test_a_cart_becomes_an_order(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(999), carts.prices.sell(250)
    await carts.add({mug: 2, pen: 1})
    await ship_to(carts, HOME)
    await carts.carts.change(carts.caller, CartChange(frozenset({"note"}), note="Ring twice"))
    cart = await carts.cart()

    order = await check_out(carts, expected_total="22.48", payment_method="pm_card_visa")

    assert await stored(carts, order) == order
    assert [(line.product_id, line.quantity) for line in order.lines] == [(mug, 2), (pen, 1)]
    assert (order.total, order.shipping_address, order.cart_id) == (Money(2248, "USD"), HOME, cart.id)
    assert order.note == "Ring twice"
    assert await carts.states() == {cart.id: "ORDERED"}
    assert await carts.quantities() == {}
    row = await carts.db.fetchrow("SELECT order_id, version, expire_time - now() AS left FROM carts")
    assert row
    assert (row["order_id"], row["version"]) == (order.id, cart.version + 1)


async def test_fifty_concurrent_checkouts_place_one_order(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 2})
    cart = await carts.cart()

    orders = await asyncio.gather(*(check_out(carts, cart) for _ in range(50)))

    assert len({order.id for order in orders}) == 1
    assert await carts.db.fetchval("SELECT count(*) FROM orders") == 1
    assert await carts.db.fetchval("SELECT count(*) FROM outbox") == 1
    assert len(carts.prices.states) == 1


async def test_a_repeated_checkout_returns_its_order_before_anything_is_judged(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 2})
    cart = await carts.cart()
    order = await check_out(carts, cart, expected_total="19.98")
    carts.prices.delete(mug)
    carts.prices.down = True

    assert (await check_out(carts, cart, expected_total="1", payment_method="pm_other")).id == order.id

    await carts.db.execute("DELETE FROM carts")
    assert (await check_out(carts, cart)).id == order.id


async def test_a_guests_checkout_that_is_repeated_after_a_login_returns_its_order(carts: CartHarness) -> None:
    visitor = guest()
    await carts.carts.change(visitor, CartChange(frozenset({"has_contact"}), has_contact=True))
    await carts.add({carts.prices.sell(): 2}, visitor)
    cart = await carts.cart(visitor)
    order = await check_out(carts, cart, visitor)

    await carts.guest_carts.merge(carts.caller, carts.guests.token(visitor))
    assert (await check_out(carts, cart)).id == order.id
    # GuestMerged arrives, and the order ends unpaid.
    await carts.db.execute("UPDATE orders SET account_id = $1", carts.caller.account_id)
    async with carts.db.transaction() as tx:
        await carts.orders.payment_failed(tx, order.id, "card_declined")
    assert (await check_out(carts, cart)).id == order.id
    await carts.db.execute("DELETE FROM carts")
    assert (await check_out(carts, cart)).id == order.id
    with pytest.raises(CartNotFound):
        await check_out(carts, cart, customer())


async def test_added_and_checked_out_at_once_the_order_is_the_cart_at_its_version(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell()
    for number in range(500):
        caller = customer()
        await carts.add({mug: 1 + number % 3}, caller)
        cart = await carts.cart(caller)

        outcome, *_ = await asyncio.gather(
            check_out(carts, cart, caller),
            carts.add({pen: 1}, caller),
            carts.add({mug: 1}, caller),
            return_exceptions=True,
        )

        open_cart = await carts.quantities(caller)
        if isinstance(outcome, Order):
            assert {line.product_id: line.quantity for line in outcome.lines} == {mug: 1 + number % 3}
            assert open_cart == {pen: 1, mug: 1}
        else:
            assert isinstance(outcome, CartChanged)
            assert open_cart == {pen: 1, mug: 2 + number % 3}


async def test_a_cart_that_changes_while_its_stock_is_reserved_gives_the_stock_back(
    carts: CartHarness,
) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 2})

    async def add_another() -> None:
        await carts.add({mug: 1})

    carts.prices.before_reserving = add_another
    with pytest.raises(CartChanged):
        await check_out(carts)

    assert {state.value for state in carts.prices.states.values()} == {"RELEASED"}
    assert await carts.quantities() == {mug: 3}


async def test_shipping_and_tax_are_charged_as_quoted(carts: CartHarness) -> None:
    await carts.set_rules(delivering())
    await carts.add({carts.prices.sell(999): 1})
    await ship_to(carts, HOME, POST)
    quoted = (await carts.quote()).quote
    assert quoted

    order = await check_out(carts, expected_total=Money(quoted.total, "USD").text())

    assert order.total == Money(quoted.total, "USD")
    assert (await stored(carts, order)).amounts == order.amounts


async def test_an_unpaid_order_opens_its_cart_for_another_order(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 2})
    first_cart = await carts.cart()
    first = await check_out(carts)

    async with carts.db.transaction() as tx:
        await carts.orders.payment_failed(tx, first.id, "card_declined")

    again = await carts.cart()
    assert (again.id, again.lines) == (first_cart.id, first_cart.lines)
    assert again.version == first_cart.version + 2
    second = await check_out(carts)
    assert second.id != first.id
    assert (await check_out(carts, first_cart)).cancel_reason is CancelReason.PAYMENT_FAILED
    assert (await check_out(carts, again)).id == second.id


async def test_an_order_that_is_cancelled_while_the_buyer_fills_another_cart_gives_its_lines_to_that(
    carts: CartHarness,
) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell()
    await carts.add({mug: 5})
    order = await check_out(carts)
    await carts.add({mug: 2, pen: 1})

    await asyncio.gather(
        carts.orders.cancel(carts.caller, order.id, "changed my mind"),
        carts.add({pen: 1}),
    )

    assert await carts.quantities() == {mug: 5, pen: 2}
    assert sorted((await carts.states()).values()) == ["MERGED", "OPEN"]


async def test_overdue_orders_reopen_their_carts(carts: CartHarness) -> None:
    mug, callers = carts.prices.sell(), [customer() for _ in range(5)]
    for caller in callers:
        await carts.add({mug: 2}, caller)
        await check_out(carts, caller=caller)
    carts.clock.advance(minutes=11)

    await carts.orders.cancel_overdue()

    assert [await carts.quantities(caller) for caller in callers] == [{mug: 2}] * 5
    assert list((await carts.states()).values()) == ["OPEN"] * 5


async def test_a_client_cannot_send_the_key_of_a_checkout(carts: CartHarness) -> None:
    cart = CheckOut(carts.caller.account_id, 1, "")

    assert cart.request_id[0] == "\x01"
    assert not cart.request_id.isprintable()
