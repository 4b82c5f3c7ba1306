"""Placing orders that have tax and shipping, on fakes: totals, rejections, and rules and prices that change at the same time."""

from dataclasses import replace
from typing import Any

import pytest

from kit.auth import Principal
from kit.errors import IdempotencyConflict, NotFound, SoukError, Unavailable
from kit.testing.principals import admin, customer
from kit.values import PRODUCT, Money
from order.orders.domain import Order
from order.orders.ports import StockState
from order.placing.domain import PlaceOrder
from order.pricing.rules import Rules
from order.quotes.errors import (
    AddressRequired,
    NotDeliveredThere,
    PriceChanged,
    RulesChanged,
    ShippingMethodRequired,
    TotalOutOfRange,
)
from order.tests.fakes import FakeCatalog, place_order
from order.tests.rules import HOME, PARIS, PICKUP, POST, ZURICH, delivering, replacing, taxed
from order.tests.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def order_of(caller: Principal, quantity: int = 1, **fields: Any) -> PlaceOrder:
    fields = {"shipping_address": HOME, **fields}
    return replace(place_order(caller.account_id, quantity, key=fields.pop("key", None)), **fields)


async def place(shop: Shop, quantity: int = 1, *, caller: Principal | None = None, **fields: Any) -> Order:
    caller = caller or customer()
    return await shop.placing.place(caller, order_of(caller, quantity, **fields))


def held(shop: Shop) -> list[StockState]:
    return [state for state in shop.catalog.states.values() if state is not StockState.RELEASED]


async def test_without_rules_no_prices_are_read(shop: Shop) -> None:
    order = await place(shop, 2)

    assert shop.catalog.priced == 0
    assert (order.total, order.amounts.tax, order.amounts.shipping) == (
        Money(1998, "USD"),
        Money(0, "USD"),
        None,
    )


async def test_tax_and_shipping_are_part_of_the_total(shop: Shop) -> None:
    shop.rules.start(delivering())

    order = await place(shop, 2, shipping_method_id=POST)

    # 2 * 9.99 + 5.00 = 24.98; 8 % of 19.98 is 1.5984, of 5.00 is 0.40.
    assert order.amounts.shipping
    assert order.amounts.shipping.name == "post"
    assert order.amounts.shipping.amounts.tax == Money(40, "USD")
    assert order.amounts.subtotal == Money(1998, "USD")
    assert order.amounts.tax == Money(200, "USD")
    assert [(tax.name, tax.ppm, tax.amount.minor) for tax in order.amounts.taxes] == [
        ("sales tax", 80_000, 200)
    ]
    assert order.total == Money(2698, "USD")
    assert await shop.current(order) == order


async def test_the_destination_is_the_shipping_address_else_the_billing_address_else_the_shops_country(
    shop: Shop,
) -> None:
    shop.rules.start(delivering())
    by_shipping = await place(shop, shipping_method_id=PICKUP, billing_address=ZURICH)
    shop.rules.start(taxed())
    by_billing = await place(shop, shipping_address=None, billing_address=HOME)
    by_home = await place(shop, shipping_address=None)

    assert by_shipping.amounts.tax == by_billing.amounts.tax == Money(80, "USD")
    assert by_home.amounts.tax == Money(0, "USD")
    assert by_billing.billing_address == HOME


async def test_the_own_countrys_tax_is_replaced_abroad(shop: Shop) -> None:
    shop.rules.start(replacing())

    order = await place(shop)

    # 9.99 contains 0.7486 of 8.1 %; 20 % of 9.24 is 1.848.
    assert (order.amounts.subtotal.minor, order.amounts.tax.minor, order.total.minor) == (924, 185, 1109)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, ShippingMethodRequired),
        ({"shipping_address": PARIS}, NotDeliveredThere),
        ({"shipping_address": PARIS, "shipping_method_id": POST}, NotDeliveredThere),
        ({"shipping_address": None, "shipping_method_id": POST}, AddressRequired),
        ({"expected_total": "9.99", "shipping_method_id": POST}, PriceChanged),
    ],
)
async def test_what_prevents_an_order_is_found_before_stock_is_reserved(
    shop: Shop, fields: dict[str, Any], error: type[SoukError]
) -> None:
    shop.rules.start(delivering())

    with pytest.raises(error):
        await place(shop, **fields)

    assert shop.catalog.states == {}


async def test_an_admin_needs_no_method(shop: Shop) -> None:
    shop.rules.start(delivering())

    order = await place(shop, caller=admin())

    assert order.amounts.shipping is None


async def test_a_pickup_needs_no_address(shop: Shop) -> None:
    shop.rules.start(delivering())

    order = await place(shop, shipping_address=None, shipping_method_id=PICKUP)

    assert order.amounts.shipping
    assert order.total == Money(1079, "USD")


async def test_a_method_is_rejected_by_a_shop_without_any(shop: Shop) -> None:
    with pytest.raises(NotDeliveredThere) as caught:
        await place(shop, shipping_method_id=POST)

    assert caught.value.fields[0].path == ("shippingMethodId",)


async def test_the_error_of_a_missing_method_has_those_that_are_offered(shop: Shop) -> None:
    shop.rules.start(delivering())

    with pytest.raises(ShippingMethodRequired) as caught:
        await place(shop)

    assert caught.value.details == {
        "shipping_methods": ["method_00000000000000000000000007", "method_00000000000000000000000008"]
    }


async def test_the_expected_total_is_the_whole_total(shop: Shop) -> None:
    shop.rules.start(delivering())

    order = await place(shop, 2, shipping_method_id=POST, expected_total="26.98")
    with pytest.raises(PriceChanged) as caught:
        await place(shop, 2, shipping_method_id=POST, expected_total="19.98")

    assert order.total == Money(2698, "USD")
    details = caught.value.details
    assert {name: details[name] for name in ("subtotal", "shipping", "tax", "total", "currency")} == {
        "subtotal": "19.98",
        "shipping": "5.00",
        "tax": "2.00",
        "total": "26.98",
        "currency": "USD",
    }


async def test_the_providers_limits_are_those_of_the_whole_total(shop: Shop) -> None:
    shop.rules.start(taxed(1_000_000))
    shop.catalog.price = Money(60_000_000, "USD")

    with pytest.raises(TotalOutOfRange, match="it is 1200000"):
        await place(shop)

    assert shop.catalog.states == {}


async def test_products_that_cannot_be_ordered_have_the_catalogs_error(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.catalog.unknown, shop.catalog.rejection = True, NotFound(reason="PRODUCT_NOT_FOUND")

    with pytest.raises(NotFound):
        await place(shop)


async def test_rules_that_came_since_the_process_read_them_are_applied(shop: Shop) -> None:
    shop.rules.change(taxed())

    order = await place(shop)

    assert order.total == Money(1079, "USD")
    assert len(held(shop)) == 1


async def test_rules_that_change_while_an_order_is_placed_are_applied(shop: Shop) -> None:
    shop.rules.start(taxed())

    async def change() -> None:
        shop.rules.change(taxed(100_000))

    shop.catalog.before_reserving = change
    order = await place(shop)

    assert order.total == Money(1099, "USD")


async def test_changed_rules_are_an_error_only_where_the_total_is_not_the_expected_one(shop: Shop) -> None:
    shop.rules.change(taxed())

    with pytest.raises(PriceChanged):
        await place(shop, expected_total="9.99")

    assert held(shop) == []
    assert (await place(shop, expected_total="10.79")).total == Money(1079, "USD")


async def test_rules_that_never_stop_changing_end_the_attempt(shop: Shop) -> None:
    shop.rules.changes_forever = True

    with pytest.raises(RulesChanged):
        await place(shop)

    assert held(shop) == []
    assert shop.db.events == []


async def test_a_price_that_changes_before_the_reservation_is_an_error_only_for_who_expects_a_total(
    shop: Shop,
) -> None:
    shop.rules.start(taxed())

    async def raise_price() -> None:
        shop.catalog.price = Money(2000, "USD")

    shop.catalog.before_reserving = raise_price
    order = await place(shop)
    shop.catalog.price = FakeCatalog.price
    with pytest.raises(PriceChanged) as caught:
        await place(shop, expected_total="10.79")

    assert order.total == Money(2160, "USD")
    assert caught.value.details["total"] == "21.60"
    assert len(held(shop)) == 1


async def test_an_older_reservation_keeps_its_prices(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.catalog.reserved_price = Money(500, "USD")

    order = await place(shop)

    assert order.lines[0].unit_price == Money(500, "USD")
    assert order.total == Money(540, "USD")


async def test_a_repeated_request_may_name_its_lines_in_another_order(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.catalog.reserved_in_other_order = True
    one, five = PRODUCT.derive("one"), PRODUCT.derive("five")

    order = await place(shop, quantities={one: 1, five: 5}, first_lines=(0, 1))

    assert [(line.product_id, line.quantity) for line in order.lines] == [(one, 1), (five, 5)]
    assert [line.total for line in order.lines] == [Money(1079, "USD"), Money(5395, "USD")]
    assert order.total == Money(6474, "USD")


@pytest.mark.parametrize("reserved", [900, 1100])
async def test_an_older_reservation_is_not_sold_at_another_total_than_the_expected_one(
    shop: Shop, reserved: int
) -> None:
    shop.catalog.reserved_price = Money(reserved, "USD")

    with pytest.raises(PriceChanged) as caught:
        await place(shop, expected_total="9.99")

    assert caught.value.details["total"] == Money(reserved, "USD").text()
    assert held(shop) == []
    shop.catalog.reserved_price = None
    assert (await place(shop, expected_total="9.99")).total == Money(999, "USD")


async def test_the_providers_limits_hold_for_what_was_reserved_by_rules_that_are_gone(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.rules.change(Rules())
    shop.catalog.reserved_price = Money(1, "USD")

    with pytest.raises(TotalOutOfRange):
        await place(shop)

    assert held(shop) == []


async def test_a_stored_order_is_returned_before_its_prices_are_judged_again(shop: Shop) -> None:
    caller = customer()
    shop.rules.start(delivering())
    first = await place(shop, caller=caller, key="k", shipping_method_id=POST, expected_total="16.19")
    shop.rules.start(delivering(price=900))

    again = await place(shop, caller=caller, key="k", shipping_method_id=POST, expected_total="16.19")
    with pytest.raises(IdempotencyConflict):
        await place(shop, 2, caller=caller, key="k", shipping_method_id=POST, input_hash=b"other")

    assert again == first


async def test_while_the_catalog_is_down_nothing_is_released(shop: Shop) -> None:
    shop.rules.change(taxed())

    async def fail(*_: object) -> None:
        raise Unavailable()

    shop.catalog.price_lines = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(Unavailable):
        await place(shop)

    assert held(shop) == [StockState.HELD]


async def test_a_shop_without_any_rules_any_more_prices_as_before(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.rules.change(Rules())

    assert (await place(shop)).total == Money(999, "USD")
