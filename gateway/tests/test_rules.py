"""Tax, shipping and the shop: what is sent to the service, and what is shown of its answer."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from souk.order.v1 import order_pb2
from souk.order.v1 import shipping_service_pb2 as shipping
from souk.order.v1 import tax_service_pb2 as tax

from gateway.peers.order import order_of
from gateway.tests.fakes.order import one_order
from gateway.tests.fakes.rules import METHOD_ID, ZONE_ID
from gateway.tests.operations import PLACE, PRODUCT_ID
from gateway.tests.world import World, opened
from kit.values import Money, money_to_proto

SET_RATES = """mutation($c: CountryCode!, $r: [TaxRateInput!]!, $v: Int) {
  setTaxRates(countryCode: $c, rates: $r, expectedVersion: $v) {
    countryCode treatment version rates { name rate taxClass region postalPrefix combination reason validFrom validUntil }
  }
}"""
SET_ZONE = """mutation($i: ShippingZoneInput!, $v: Int) {
  setShippingZone(input: $i, expectedVersion: $v) {
    id version places { countryCode region } methods { id kind rates { price currency measure subtotalTo gramsFrom gramsTo } }
  }
}"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


def paths(response: dict[str, Any]) -> list[list[Any]]:
    return [field["path"] for error in response["errors"] for field in error["extensions"]["fields"]]


async def test_rates_are_sent_in_millionths_and_shown_in_percent(world: World) -> None:
    rates = [
        {"name": "MWST", "rate": "8.1", "validUntil": "2027-01-01T00:00:00Z"},
        {"name": "local", "rate": 0.0001, "region": "ZH", "combination": "REPLACE", "reason": "spa"},
    ]

    response = await world.ask(SET_RATES, c="CH", r=rates, v=1)

    request, _ = world.recorder.last("SetTaxRates")
    assert ([rate.ppm for rate in request.rates], request.expected_version) == ([81_000, 1], 1)
    assert request.rates[1].combination == tax.TAX_COMBINATION_REPLACE
    shown = response["data"]["setTaxRates"]["rates"]
    assert [(rate["rate"], rate["validUntil"]) for rate in shown] == [
        ("8.1", "2027-01-01T00:00:00.000Z"),
        ("0.0001", None),
    ]
    assert (shown[1]["region"], shown[1]["combination"], shown[1]["reason"]) == ("ZH", "REPLACE", "spa")


@pytest.mark.parametrize("rate", ["100.0001", "-1", "8.12345"])
async def test_a_rate_that_is_no_percentage_is_named(world: World, rate: str) -> None:
    response = await world.ask(SET_RATES, c="CH", r=[{"name": "a", "rate": "1"}, {"name": "b", "rate": rate}])

    assert paths(response) == [["rates", 1, "rate"]]
    assert world.recorder.names() == []


async def test_every_rate_that_is_no_percentage_is_named(world: World) -> None:
    response = await world.ask(
        SET_RATES, c="CH", r=[{"name": "a", "rate": "101"}, {"name": "b", "rate": "-1"}]
    )

    assert paths(response) == [["rates", 0, "rate"], ["rates", 1, "rate"]]


async def test_the_tax_rates_of_a_country_are_listed(world: World) -> None:
    response = await world.ask(
        '{ taxRates(countryCode: "CH") { treatment version rates { rate taxClass } } }'
    )

    assert response["data"]["taxRates"] == {
        "treatment": None,
        "version": 1,
        "rates": [{"rate": "8.1", "taxClass": "standard"}],
    }


@pytest.mark.parametrize("treatment", ["REPLACED", None])
async def test_a_treatment_is_set_or_cleared(world: World, treatment: str | None) -> None:
    document = (
        'mutation($t: TaxTreatment) { setTaxTreatment(countryCode: "US", treatment: $t) { treatment } }'
    )

    response = await world.ask(document, t=treatment)

    assert response["data"]["setTaxTreatment"] == {"treatment": treatment}


async def test_a_zone_is_sent_with_its_methods_and_rates(world: World) -> None:
    by_subtotal = {"currency": "USD", "price": "7", "subtotalTo": "50"}
    by_weight = {"currency": "CHF", "price": "9.00", "measure": "WEIGHT", "gramsFrom": 0, "gramsTo": 2000}
    zone = {
        "name": "home",
        "places": [{"countryCode": "US"}],
        "methods": [{"name": "post", "kind": "PICKUP", "rates": [by_subtotal, by_weight]}],
    }

    response = await world.ask(SET_ZONE, i=zone, v=0)

    request, _ = world.recorder.last("SetShippingZone")
    bands = request.zone.methods[0].bands
    assert request.expected_version == 0
    assert (bands[0].price.units, bands[0].subtotal_to.units, bands[0].HasField("subtotal_from")) == (
        7,
        50,
        False,
    )
    assert (bands[1].measure, bands[1].grams_to) == (shipping.SHIPPING_MEASURE_WEIGHT, 2000)
    shown = response["data"]["setShippingZone"]
    assert (shown["id"], shown["methods"][0]["kind"]) == (ZONE_ID, "PICKUP")
    assert shown["methods"][0]["rates"] == [
        {
            "price": "7.00",
            "currency": "USD",
            "measure": "SUBTOTAL",
            "subtotalTo": "50.00",
            "gramsFrom": None,
            "gramsTo": None,
        },
        {
            "price": "9.00",
            "currency": "CHF",
            "measure": "WEIGHT",
            "subtotalTo": None,
            "gramsFrom": 0,
            "gramsTo": 2000,
        },
    ]


async def test_an_amount_that_its_currency_does_not_have_is_named(world: World) -> None:
    rate = {"currency": "JPY", "price": "1", "subtotalFrom": "0.5"}
    zone = {"name": "home", "places": [], "methods": [{"name": "post", "rates": [rate]}]}

    assert paths(await world.ask(SET_ZONE, i=zone)) == [["methods", 0, "rates", 0, "subtotalFrom"]]


async def test_every_amount_and_currency_that_is_wrong_is_named_once(world: World) -> None:
    rates = [
        {"currency": "JPY", "price": "0.1", "subtotalFrom": "0.5"},
        {"currency": "XYZ", "price": "1", "subtotalFrom": "5", "subtotalTo": "6"},
    ]
    zone = {"name": "home", "places": [], "methods": [{"name": "post", "rates": rates}]}

    first, second = (["methods", 0, "rates", index] for index in (0, 1))
    assert paths(await world.ask(SET_ZONE, i=zone)) == [
        [*first, "price"],
        [*first, "subtotalFrom"],
        [*second, "currency"],
    ]


async def test_zones_are_listed_and_deleted(world: World) -> None:
    listed = await world.ask(
        """{ shippingZones(first: 1, after: "cursor-0") {
          nodes { id places { countryCode region postalPrefix } } pageInfo { endCursor hasNextPage } totalCount
        } }"""
    )
    deleted = await world.ask(f'mutation {{ deleteShippingZone(id: "{ZONE_ID}", expectedVersion: 3) }}')

    place = {"countryCode": "US", "region": "HI", "postalPrefix": None}
    assert listed["data"]["shippingZones"] == {
        "nodes": [{"id": ZONE_ID, "places": [place]}],
        "pageInfo": {"endCursor": "cursor-1", "hasNextPage": True},
        "totalCount": 1,
    }
    request, _ = world.recorder.last("ListShippingZones")
    assert (request.page_size, request.page_token, request.count_total) == (1, "cursor-0", True)
    assert deleted["data"] == {"deleteShippingZone": True}
    assert world.recorder.last("DeleteShippingZone")[0].expected_version == 3


async def test_the_methods_of_an_address_are_public(world: World) -> None:
    document = (
        '{ shippingMethods(countryCode: "US", region: "OR") { id name minDays maxDays rates { price } } }'
    )

    response = await world.ask(document)

    [method] = response["data"]["shippingMethods"]
    assert (method["id"], method["minDays"], method["maxDays"]) == (METHOD_ID, 1, 3)
    assert [rate["price"] for rate in method["rates"]] == ["7.00", "9.00"]
    request, _ = world.recorder.last("ListShippingMethods")
    assert (request.region, request.postal_code) == ("OR", "")


async def test_a_storefront_learns_what_it_has_to_know_of_the_shop(world: World) -> None:
    response = await world.ask("{ shop { pricesIncludeTax deliveryCountries currencies publishableKey } }")

    shop = response["data"]["shop"]
    assert (shop["pricesIncludeTax"], shop["deliveryCountries"]) == (True, ["CH", "US"])
    assert {"JPY", "KWD", "USD"} <= set(shop["currencies"])
    assert shop["publishableKey"] == "pk_test_1"


async def test_an_order_is_placed_with_its_method_and_billing_address(world: World) -> None:
    billing = {"name": "J", "line1": "1", "city": "X", "postalCode": "1", "countryCode": "CH"}
    order = {
        "products": [{"id": PRODUCT_ID, "quantity": 1}],
        "shippingMethodId": METHOD_ID,
        "billingAddress": billing,
    }

    await world.ask(PLACE, i=order)

    request, _ = world.recorder.last("PlaceOrder")
    assert (request.shipping_method_id, request.billing_address.country_code) == (METHOD_ID, "CH")


def test_an_order_has_its_amounts() -> None:
    def usd(minor: int) -> Any:
        return money_to_proto(Money(minor, "USD"))

    message = one_order("ord_1", "acc_1", PRODUCT_ID)
    message.subtotal.CopyFrom(usd(1998))
    message.tax_total.CopyFrom(usd(200))
    message.total.CopyFrom(usd(2698))
    message.taxes.add(name="sales tax", ppm=80_000, taxable=usd(2498), amount=usd(200), country_code="US")
    message.shipping.CopyFrom(
        order_pb2.OrderShipping(method_id=METHOD_ID, name="post", price=usd(500), tax=usd(40), total=usd(540))
    )
    message.lines[0].tax.CopyFrom(usd(160))
    message.lines[0].total.CopyFrom(usd(2158))

    order = order_of(message)

    assert (order.subtotal, order.tax_total, order.total_price, order.tax_included) == (
        "19.98",
        "2.00",
        "26.98",
        False,
    )
    assert [(t.name, t.rate, t.taxable, t.region, t.reason) for t in order.taxes] == [
        ("sales tax", "8", "24.98", None, None)
    ]
    assert order.shipping
    assert (order.shipping.price, order.shipping.tax, order.shipping.total) == ("5.00", "0.40", "5.40")
    assert (order.lines[0].line_total, order.lines[0].tax, order.lines[0].total) == ("19.98", "1.60", "21.58")


def test_an_order_of_an_earlier_release_costs_its_lines() -> None:
    order = order_of(one_order("ord_1", "acc_1", PRODUCT_ID))

    assert (order.subtotal, order.tax_total, order.shipping, order.taxes) == ("19.98", "0.00", None, [])
    assert (order.lines[0].tax, order.lines[0].total) == ("0.00", "19.98")
