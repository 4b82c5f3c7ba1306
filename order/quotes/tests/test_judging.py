"""What prevents an order, of a quote: which reason comes first, and which totals are the expected one."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import SoukError
from kit.values import CURRENCIES, PRODUCT, VARIANT, Money
from order.lines.domain import Line
from order.placing.domain import PlaceOrder
from order.pricing.charges import PricedItem
from order.pricing.places import Destination
from order.pricing.quote import price
from order.pricing.rules import Rules
from order.quotes.judging import rejections, rejections_of_goods
from order.quotes.quoting import destination_of
from order.tests.fakes import place_order
from order.tests.rules import HOME, PARIS, POST, ZURICH, delivering, taxed

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def reasons(command: PlaceOrder, rules: Rules, *, minor: int = 999, currency: str = "USD") -> list[str]:
    destination = destination_of(rules, command.shipping_address, command.billing_address)
    quote = price(
        [PricedItem(minor, 1)], rules, destination, command.shipping_method_id, currency=currency, now=NOW
    )
    return [rejection.reason for rejection in rejections(command, quote, needs_method=rules.has_methods)]


def order_of(**fields: object) -> PlaceOrder:
    return replace(place_order(uuid4()), **fields)  # type: ignore[arg-type]


@given(
    st.sampled_from(["JPY", "USD", "KWD"]), st.integers(1, 9_999_999), st.integers(0, 3), st.integers(0, 3)
)
def test_equal_decimals_are_the_expected_total(currency: str, minor: int, zeros: int, digits: int) -> None:
    total = Money(minor * 100, currency)
    text = total.text()
    padded = "0" * zeros + (text + "0" * digits if "." in text else text)

    assert "PRICE_CHANGED" not in reasons(
        order_of(expected_total=padded), Rules(), minor=minor * 100, currency=currency
    )
    other = Money(total.minor + 1, currency).text()
    assert "PRICE_CHANGED" in reasons(
        order_of(expected_total=other), Rules(), minor=minor * 100, currency=currency
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"shipping_address": HOME, "shipping_method_id": POST}, []),
        ({"shipping_address": HOME}, ["SHIPPING_METHOD_REQUIRED"]),
        ({"shipping_address": PARIS}, ["NOT_DELIVERED_THERE"]),
        ({"shipping_address": HOME, "shipping_method_id": UUID(int=99)}, ["NOT_DELIVERED_THERE"]),
        ({"shipping_method_id": POST}, ["ADDRESS_REQUIRED"]),
        ({"billing_address": ZURICH}, ["NOT_DELIVERED_THERE"]),
        (
            {"shipping_address": HOME, "expected_total": "1"},
            ["SHIPPING_METHOD_REQUIRED", "PRICE_CHANGED"],
        ),
    ],
)
def test_the_reasons_of_a_quote(fields: dict[str, object], expected: list[str]) -> None:
    assert reasons(order_of(**fields), delivering()) == expected


def test_a_method_that_is_not_offered_says_why() -> None:
    command = order_of(shipping_address=HOME, shipping_method_id=POST)
    quote = price([PricedItem(100, 1)], delivering(), Destination("US"), POST, currency="EUR", now=NOW)

    gone = [r for r in rejections(command, quote, needs_method=False) if r.reason == "NOT_DELIVERED_THERE"]

    assert [(error.fields[0].path, error.details) for error in gone] == [
        (("shippingMethodId",), {"not_offered": "NO_RATE"})
    ]


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_a_total_is_within_the_providers_limits(currency: str) -> None:
    limits = CURRENCIES[currency]

    def rejected(minor: int) -> bool:
        return reasons(order_of(), Rules(), minor=minor, currency=currency) == ["TOTAL_OUT_OF_RANGE"]

    assert not rejected(limits.minimum)
    assert not rejected(limits.maximum)
    assert rejected(limits.minimum - 1)
    assert rejected(limits.maximum + 1)
    assert rejected(limits.minimum + 1) == (limits.step > 1)


@pytest.mark.parametrize("taxes", [Rules(), taxed()])
def test_changed_prices_are_of_the_ids_that_were_named(taxes: Rules) -> None:
    mug, shirt, variant_id = PRODUCT.new(), PRODUCT.new(), VARIANT.new()
    command = order_of(
        quantities={mug: 1, variant_id: 2},
        by_product=frozenset({mug}),
        shipping_address=HOME,
        expected_total="1",
    )
    if taxes.change_prices:
        items = [PricedItem(999, 1), PricedItem(500, 2)]
        quote = price(items, taxes, destination_of(taxes, HOME, None), currency="USD", now=NOW)
        [changed] = rejections(command, quote, needs_method=False)
    else:
        lines = [
            Line(mug, "Mug", Money(999, "USD"), 1, variant_id=mug),
            Line(shirt, "Shirt", Money(500, "USD"), 2, variant_id=variant_id),
        ]
        [changed] = rejections_of_goods(command, lines)

    details: Any = changed.details["lines"]
    first, second = details
    assert first == {"product_id": PRODUCT.format(mug), "unit_price": "9.99", "quantity": 1}
    assert second["variant_id"] == VARIANT.format(variant_id)
    assert second.get("product_id") in (None, PRODUCT.format(shirt))


def test_every_rejection_names_its_field_or_has_details() -> None:
    errors: list[SoukError] = []
    for fields in ({}, {"shipping_address": PARIS}, {"shipping_address": HOME}):
        command = order_of(expected_total="1", **fields)
        destination = destination_of(delivering(), command.shipping_address, None)
        quote = price([PricedItem(1, 1)], delivering(), destination, currency="USD", now=NOW)
        errors += rejections(command, quote, needs_method=True)

    assert len(errors) >= 6
    assert all(error.fields or error.details for error in errors)
