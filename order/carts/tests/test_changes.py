"""Changing carts, on PostgreSQL: adding, quantities, addresses; duplicates, limits and concurrency."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from kit.errors import IdempotencyConflict, NotFound, Unavailable
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer
from kit.values import CART_LINE, PRODUCT, SHIPPING_METHOD, SHIPPING_ZONE, MixedCurrency, SoldId
from order.addresses.domain import Address
from order.carts.domain import MAX_LINES, MAX_QUANTITY, Addition, CartChange
from order.carts.errors import (
    LineNotFound,
    ProductNotFound,
    TooManyLines,
    UnknownShippingMethod,
    VariantRequired,
)
from order.pricing.places import Place
from order.pricing.rules import Band, Method, Rules, Terms, Zone
from order.tests.cart_harness import CartHarness, addition, carts

__all__ = ["carts", "database_url", "postgres"]

ADDRESS = Address("John Doe", "Bahnhofstrasse 1", "", "Zürich", "ZH", "8001", "CH")


async def test_fifty_concurrent_additions_without_a_cart_make_one_cart_with_a_quantity_of_fifty(
    carts: CartHarness,
) -> None:
    mug = carts.prices.sell()

    await asyncio.gather(*(carts.add({mug: 1}) for _ in range(50)))

    cart = await carts.cart()
    assert await carts.quantities() == {mug: 50}
    assert cart.version == 50
    assert await carts.states() == {cart.id: "OPEN"}


async def test_concurrent_additions_of_different_products_lose_none(carts: CartHarness) -> None:
    products = [carts.prices.sell() for _ in range(8)]

    await asyncio.gather(*(carts.add({product: 2, products[0]: 1}) for product in products[1:]))

    assert await carts.quantities() == {products[0]: 7, **dict.fromkeys(products[1:], 2)}


async def test_an_addition_with_the_same_key_counts_once(carts: CartHarness) -> None:
    mug = carts.prices.sell()

    await asyncio.gather(*(carts.add({mug: 3}, key="k") for _ in range(10)))
    await carts.add({mug: 3}, customer(), key="k")

    assert await carts.quantities() == {mug: 3}
    assert (await carts.cart()).version == 1


async def test_the_same_key_with_different_input_is_a_conflict(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 3}, key="k")

    with pytest.raises(IdempotencyConflict):
        await carts.add({mug: 4}, key="k")

    assert await carts.quantities() == {mug: 3}


async def test_a_rejected_addition_can_be_repeated_with_its_key(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell(currency="EUR")
    await carts.add({mug: 1})
    with pytest.raises(MixedCurrency):
        await carts.add({pen: 1}, key="k")
    line = (await carts.cart()).lines[0]
    await carts.carts.set_quantity(carts.caller, line.id, 0)

    await carts.add({pen: 1}, key="k")

    assert await carts.quantities() == {pen: 1}


async def test_the_first_line_sets_the_currency_and_the_last_removes_it(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell(currency="EUR")
    await carts.add({mug: 1})
    assert (await carts.cart()).currency == "USD"

    await carts.carts.set_quantity(carts.caller, (await carts.cart()).lines[0].id, 0)

    assert (await carts.cart()).currency == ""
    await carts.add({pen: 1})
    assert (await carts.cart()).currency == "EUR"


async def test_two_currencies_in_one_addition_are_rejected(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell(currency="EUR")

    with pytest.raises(MixedCurrency):
        await carts.add({mug: 1, pen: 1})

    assert await carts.states() == {}


async def test_of_concurrent_first_additions_in_two_currencies_one_currency_wins(carts: CartHarness) -> None:
    mugs = [carts.prices.sell() for _ in range(5)]
    pens = [carts.prices.sell(currency="EUR") for _ in range(5)]

    results = await asyncio.gather(
        *(carts.add({product: 1}) for pair in zip(mugs, pens, strict=True) for product in pair),
        return_exceptions=True,
    )

    won = mugs if (await carts.cart()).currency == "USD" else pens
    assert await carts.quantities() == dict.fromkeys(won, 1)
    assert [type(result) for result in results if result] == [MixedCurrency] * 5


async def test_a_line_has_at_most_ten_thousand_units(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: MAX_QUANTITY - 1})

    await carts.add({mug: 5})

    assert await carts.quantities() == {mug: MAX_QUANTITY}


async def test_a_product_without_options_and_its_variant_are_one_line(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    named = {SoldId(mug, by_product=True): MAX_QUANTITY, SoldId(mug, by_product=False): 2}

    await carts.carts.add(carts.caller, Addition(named, (0, 1), "k", b""))

    assert await carts.quantities() == {mug: MAX_QUANTITY}


async def test_a_cart_has_at_most_a_hundred_lines_also_under_concurrency(carts: CartHarness) -> None:
    products = [carts.prices.sell() for _ in range(MAX_LINES + 20)]
    await carts.add(dict.fromkeys(products[: MAX_LINES - 10], 1))

    results = await asyncio.gather(
        *(carts.add({product: 1}) for product in products[MAX_LINES - 10 :]), return_exceptions=True
    )

    assert [type(result) for result in results if result] == [TooManyLines] * 20
    assert len(await carts.quantities()) == MAX_LINES
    await carts.add({(await carts.cart()).lines[0].variant_id: 1})


async def test_unknown_products_are_named(carts: CartHarness) -> None:
    mug = carts.prices.sell()

    with pytest.raises(ProductNotFound) as error:
        await carts.add({PRODUCT.new(): 1, mug: 1, PRODUCT.new(): 1})

    assert isinstance(error.value, NotFound)
    assert [fault.path for fault in error.value.fields] == [("lines", 0, "id"), ("lines", 2, "id")]
    assert await carts.states() == {}


async def test_a_product_with_options_is_added_by_its_variants(carts: CartHarness) -> None:
    shirt = carts.prices.with_options()

    with pytest.raises(VariantRequired) as error:
        await carts.add({shirt: 1})

    assert [fault.path for fault in error.value.fields] == [("lines", 0, "id")]


async def test_a_quantity_is_set_and_zero_removes_the_line(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell()
    await carts.add({mug: 5, pen: 1})
    first = (await carts.cart()).lines[0]

    await carts.carts.set_quantity(carts.caller, first.id, 2)
    assert await carts.quantities() == {mug: 2, pen: 1}
    await carts.carts.set_quantity(carts.caller, first.id, 0)
    await carts.carts.set_quantity(carts.caller, first.id, 0)

    assert await carts.quantities() == {pen: 1}
    assert (await carts.cart()).version == 3
    with pytest.raises(LineNotFound):
        await carts.carts.set_quantity(carts.caller, first.id, 1)


async def test_a_line_of_another_account_is_not_found(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 5})
    line = (await carts.cart()).lines[0]

    with pytest.raises(LineNotFound):
        await carts.carts.set_quantity(customer(), line.id, 1)
    await carts.carts.set_quantity(customer(), line.id, 0)

    assert await carts.quantities() == {mug: 5}


async def test_without_the_catalog_quantities_and_addresses_change_and_adding_is_unavailable(
    carts: CartHarness,
) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell()
    await carts.add({mug: 5, pen: 1})
    lines = (await carts.cart()).lines
    carts.prices.down = True

    await carts.carts.set_quantity(carts.caller, lines[0].id, 7)
    await carts.carts.set_quantity(carts.caller, lines[1].id, 0)
    await carts.carts.change(carts.caller, CartChange(frozenset({"note"}), note="Ring twice"))
    with pytest.raises(Unavailable):
        await carts.add({mug: 1})

    assert await carts.quantities() == {mug: 7}
    assert (await carts.cart()).note == "Ring twice"


async def test_a_change_sets_what_it_names_and_creates_the_cart(carts: CartHarness) -> None:
    both = CartChange(frozenset({"shipping_address", "note"}), shipping_address=ADDRESS, note="Ring twice")

    await carts.carts.change(carts.caller, both)
    await carts.carts.change(
        carts.caller, CartChange(frozenset({"billing_address"}), billing_address=ADDRESS)
    )
    await carts.carts.change(carts.caller, CartChange(frozenset({"note"})))

    cart = await carts.cart()
    assert (cart.shipping_address, cart.billing_address, cart.note) == (ADDRESS, ADDRESS, "")
    assert (cart.version, cart.lines, cart.currency) == (3, (), "")
    await carts.carts.change(carts.caller, CartChange(frozenset({"shipping_address"})))
    assert (await carts.cart()).shipping_address is None


async def test_a_removed_line_comes_back_at_the_end(carts: CartHarness) -> None:
    mug, pen = carts.prices.sell(), carts.prices.sell()
    await carts.add({mug: 1, pen: 1})
    await carts.carts.set_quantity(carts.caller, (await carts.cart()).lines[0].id, 0)

    await carts.add({mug: 1})

    assert list(await carts.quantities()) == [pen, mug]


async def test_concurrent_removal_and_addition_leave_a_cart_with_its_currency(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    for _ in range(20):
        await carts.add({mug: 1})
        line = (await carts.cart()).lines[0]
        await asyncio.gather(carts.carts.set_quantity(carts.caller, line.id, 0), carts.add({mug: 1}))
        cart = await carts.cart()
        assert cart.currency == ("USD" if cart.lines else "")


async def test_an_unknown_line_changes_no_version(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 1})
    before = await carts.cart()

    with pytest.raises(LineNotFound):
        await carts.carts.set_quantity(carts.caller, CART_LINE.new(), 3)

    assert replace(await carts.cart()) == before


async def test_one_account_has_one_open_cart(carts: CartHarness) -> None:
    others = [customer() for _ in range(5)]
    mug = carts.prices.sell()

    await asyncio.gather(
        *(carts.carts.add(other, addition({mug: 1}, key=uuid4().hex)) for other in others * 4)
    )

    assert [await carts.quantities(other) for other in others] == [{mug: 4}] * 5
    assert list((await carts.states()).values()) == ["OPEN"] * 5


async def test_a_shipping_method_is_one_that_the_shop_has_now(carts: CartHarness) -> None:
    post = Method(SHIPPING_METHOD.new(), "post", (Band("USD", 500),))
    rules = Rules.of(Terms(), zones=[Zone(SHIPPING_ZONE.new(), "home", (Place("CH"),), (post,))])
    with pytest.raises(UnknownShippingMethod):
        await carts.reading.require_method(post.id)
    # Added through another process, whose rules this one has not read yet.
    carts.rules.change(rules)

    await carts.reading.require_method(post.id)
