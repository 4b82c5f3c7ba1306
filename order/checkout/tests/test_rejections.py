"""What rejects a checkout, on PostgreSQL: nothing is held then, and the cart stays open."""

from dataclasses import replace
from typing import Any

import pytest

from kit.auth import NotForGuests
from kit.errors import FailedPrecondition, ResourceExhausted, SoukError, Unavailable
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer, guest
from kit.values import Money
from order.addresses.domain import Address
from order.carts.domain import CartChange
from order.checkout.errors import CartEmpty, CartIncomplete, CartNotFound
from order.checkout.tests.checking_out import check_out, ship_to
from order.orders.domain import Order
from order.placing.errors import CartChanged
from order.tests.cart_harness import CartHarness, carts
from order.tests.rules import HOME, PARIS, POST, delivering

__all__ = ["carts", "database_url", "postgres"]


async def test_another_version_or_a_closed_cart_has_changed(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 2})
    cart = await carts.cart()
    await carts.add({mug: 1})

    with pytest.raises(CartChanged) as changed:
        await check_out(carts, cart)
    assert changed.value.details == {"version": 2, "state": "OPEN"}
    await check_out(carts)
    with pytest.raises(CartChanged) as closed:
        await check_out(carts, cart)

    assert closed.value.details == {"version": 3, "state": "ORDERED"}
    assert await carts.db.fetchval("SELECT count(*) FROM orders") == 1


async def test_a_cart_of_another_account_is_not_found(carts: CartHarness) -> None:
    await carts.add({carts.prices.sell(): 2})
    cart = await carts.cart()

    with pytest.raises(CartNotFound):
        await check_out(carts, cart, customer())


async def test_an_empty_cart_and_a_guest_without_a_contact_are_rejected(carts: CartHarness) -> None:
    mug, visitor = carts.prices.sell(), guest()
    await carts.carts.change(carts.caller, CartChange(frozenset({"note"}), note="x"))
    await carts.add({mug: 1}, visitor)

    with pytest.raises(CartEmpty):
        await check_out(carts)
    with pytest.raises(CartIncomplete) as incomplete:
        await check_out(carts, caller=visitor)

    assert incomplete.value.details == {"problems": [{"code": "CONTACT_MISSING", "path": ["contact"]}]}


async def test_every_problem_is_named_and_nothing_is_held(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell(max_per_order=3)
    await carts.add({mug: 1, pen: 5})
    carts.prices.delete(mug)

    with pytest.raises(CartIncomplete) as incomplete:
        await check_out(carts)

    assert incomplete.value.details["problems"] == [
        {"code": "LINE_GONE", "path": ["lines", 0]},
        {"code": "LINE_OVER_LIMIT", "path": ["lines", 1, "quantity"]},
    ]
    assert carts.prices.states == {}
    assert await carts.quantities() == {mug: 1, pen: 5}


@pytest.mark.parametrize(
    ("address", "method", "code"),
    [
        (HOME, None, "METHOD_MISSING"),
        (PARIS, POST, "NOT_DELIVERED_THERE"),
        (None, POST, "ADDRESS_MISSING"),
    ],
)
async def test_a_checkout_needs_an_address_and_a_method_of_it(
    carts: CartHarness, address: Address | None, method: Any, code: str
) -> None:
    await carts.set_rules(delivering())
    await carts.add({carts.prices.sell(): 1})
    await ship_to(carts, address, method)

    with pytest.raises(CartIncomplete) as incomplete:
        await check_out(carts)

    problems: Any = incomplete.value.details["problems"]
    assert code in [problem["code"] for problem in problems]
    assert carts.prices.states == {}


async def test_a_price_that_changed_since_the_cart_was_read_is_reported(carts: CartHarness) -> None:
    mug = carts.prices.sell(999)
    await carts.add({mug: 2})
    carts.prices.change(mug, price=Money(1099, "USD"))

    with pytest.raises(FailedPrecondition) as changed:
        await check_out(carts, expected_total="19.98")

    assert changed.value.reason == "PRICE_CHANGED"
    assert changed.value.details["total"] == "21.98"
    assert carts.prices.states == {}
    assert (await check_out(carts, expected_total="21.98")).total == Money(2198, "USD")


async def test_a_rule_that_changes_during_checkout_changes_the_price(carts: CartHarness) -> None:
    await carts.add({carts.prices.sell(999): 1})
    await ship_to(carts, HOME)

    async def tax() -> None:
        known = carts.rules.known
        await carts.set_rules(delivering())
        carts.rules.known = known

    carts.prices.before_reserving = tax
    with pytest.raises(SoukError) as rejection:
        await check_out(carts, expected_total="9.99")

    assert rejection.value.reason in ("PRICE_CHANGED", "CART_INCOMPLETE")
    assert {state.value for state in carts.prices.states.values()} == {"RELEASED"}


async def test_missing_stock_is_the_catalogs_answer(carts: CartHarness) -> None:
    mug = carts.prices.sell(free=1)
    await carts.add({mug: 2})

    with pytest.raises(FailedPrecondition) as rejection:
        await check_out(carts)

    assert rejection.value.reason == "OUT_OF_STOCK"


async def test_without_the_catalog_a_checkout_is_unavailable(carts: CartHarness) -> None:
    await carts.add({carts.prices.sell(): 2})
    cart = await carts.cart()
    carts.prices.down = True

    with pytest.raises(Unavailable):
        await check_out(carts, cart)


async def test_guests_save_no_payment_method(carts: CartHarness) -> None:
    mug, visitor = carts.prices.sell(), guest()
    contact = CartChange(frozenset({"has_contact"}), has_contact=True)
    await carts.carts.change(visitor, contact)
    await carts.add({mug: 1}, visitor)

    with pytest.raises(NotForGuests):
        await check_out(carts, caller=visitor, save_method=True)

    assert await carts.quantities(visitor) == {mug: 1}
    assert await check_out(carts, caller=visitor)


async def test_the_contact_of_a_guest_outlasts_its_carts(carts: CartHarness) -> None:
    visitor = replace(guest(), contact=True)
    await carts.add({carts.prices.sell(): 1}, visitor)

    assert (await carts.quote(visitor)).problems == ()
    assert await check_out(carts, caller=visitor)


async def test_the_guests_of_a_network_have_a_limit_of_unpaid_orders(carts: CartHarness) -> None:
    mug, visitor, contact = (
        carts.prices.sell(),
        guest(),
        CartChange(frozenset({"has_contact"}), has_contact=True),
    )
    await carts.carts.change(visitor, contact)
    for _ in range(2):
        await carts.add({mug: 1}, visitor)
        await check_out(carts, caller=visitor)
    await carts.add({mug: 1}, visitor)

    with pytest.raises(ResourceExhausted) as limited:
        await check_out(carts, caller=visitor)

    assert limited.value.reason == "TOO_MANY_PENDING_ORDERS"
    assert await carts.quantities(visitor) == {mug: 1}


async def test_a_checkout_whose_twin_has_placed_the_order_gets_it_whatever_prices_are_now(
    carts: CartHarness,
) -> None:
    mug = carts.prices.sell(999)
    await carts.add({mug: 1})
    cart = await carts.cart()
    twins: list[Order] = []

    async def nothing() -> None:
        return

    async def be_overtaken() -> None:
        carts.prices.before_reserving = nothing
        twins.append(await check_out(carts, cart, expected_total="9.99"))
        carts.prices.change(mug, price=Money(1099, "USD"))

    carts.prices.before_reserving = be_overtaken
    order = await check_out(carts, cart, expected_total="9.99")

    assert twins == [order]
