"""Validation of the shipping address of a PlaceOrderRequest."""

import pytest

from order.addresses.domain import Address
from order.placing.tests.requests import HOME, command_from_proto, invalid_fields, request

FIELDS = {
    "name": "name",
    "line1": "line1",
    "line2": "line2",
    "city": "city",
    "region": "region",
    "postal_code": "postalCode",
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("text", ["x" * 101, "a\x00b", "a\nb", "a\x7fb"])
def test_every_field_of_an_address_is_validated(field: str, text: str) -> None:
    assert invalid_fields(request(shipping_address={**HOME, field: text})) == [
        f"shippingAddress.{FIELDS[field]}"
    ]


@pytest.mark.parametrize("field", ["name", "line1", "city", "country_code"])
@pytest.mark.parametrize("text", ["", " \u2003 "])
def test_an_address_requires_name_line_city_and_country(field: str, text: str) -> None:
    name = {**FIELDS, "country_code": "countryCode"}[field]
    assert invalid_fields(request(shipping_address={**HOME, field: text})) == [f"shippingAddress.{name}"]


def test_every_field_of_an_address_may_be_filled() -> None:
    whole = dict.fromkeys(FIELDS, "x" * 100) | {"country_code": "CH"}
    command = command_from_proto(request(shipping_address=whole))

    assert command.shipping_address == Address(**whole)


def test_an_empty_address_is_rejected() -> None:
    assert invalid_fields(request(shipping_address={})) == [
        "shippingAddress.name",
        "shippingAddress.line1",
        "shippingAddress.city",
        "shippingAddress.countryCode",
    ]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("text", ["4242 4242 4242 4242", "0049 151 12345678", "Packstation 4111111111111111"])
def test_an_address_may_contain_any_number(field: str, text: str) -> None:
    command = command_from_proto(request(shipping_address={**HOME, field: text}))
    assert command.shipping_address
    assert getattr(command.shipping_address, field) == text


@pytest.mark.parametrize("code", ["XK", "xk", "AC", "TA", "IC", "EA", "CH"])
def test_postal_country_codes_are_accepted(code: str) -> None:
    command = command_from_proto(request(shipping_address={**HOME, "country_code": code}))
    assert command.shipping_address
    assert command.shipping_address.country_code == code.upper()


@pytest.mark.parametrize("code", ["XX", "ZZ", "AA", "QM", "UK", "EU", "XKX", "X"])
def test_codes_of_no_country_are_rejected(code: str) -> None:
    assert invalid_fields(request(shipping_address={**HOME, "country_code": code})) == [
        "shippingAddress.countryCode"
    ]
