"""Placing orders that have tax and shipping, on fakes: totals and rejections."""

from typing import Any

import pytest

from kit.errors import NotFound, SoukError
from kit.testing.principals import admin
from kit.values import Money
from order.placing.tests.priced import place, shop
from order.quotes.errors import (
    AddressRequired,
    NotDeliveredThere,
    PriceChanged,
    ShippingMethodRequired,
    TotalOutOfRange,
)
from order.tests.rules import HOME, PARIS, PICKUP, POST, ZURICH, delivering, replacing, taxed
from order.tests.shop import Shop

__all__ = ["shop"]


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
