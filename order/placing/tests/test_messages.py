"""Validation and input hashes of PlaceOrderRequest."""

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import InvalidArgument
from kit.values import ACCOUNT, ORDER, PRODUCT
from order.orders.domain import Address
from order.placing import messages
from order.placing.domain import PlaceOrder

CALLER = uuid4()


PRODUCT_ID = PRODUCT.format(PRODUCT.new())


OTHER_ID = PRODUCT.format(PRODUCT.new())


HOME = {"name": "John Doe", "line1": "Bahnhofstrasse 1", "city": "Zürich", "country_code": "CH"}


RequestLine = pb.PlaceOrderRequest.Line


def request(*lines: RequestLine, **fields: Any) -> pb.PlaceOrderRequest:
    chosen = lines or (RequestLine(product_id=PRODUCT_ID, quantity=1),)
    return pb.PlaceOrderRequest(**{"lines": chosen, "request_id": "key-1", **fields})


def command_from_proto(message: pb.PlaceOrderRequest) -> PlaceOrder:
    return messages.command_from_proto(message, CALLER, "pm_card_visa")


def invalid_fields(message: pb.PlaceOrderRequest) -> list[str]:
    with pytest.raises(InvalidArgument) as rejection:
        command_from_proto(message)
    return [".".join(map(str, fault.path)) for fault in rejection.value.fields]


def line(product_id: str = PRODUCT_ID, quantity: int = 1) -> RequestLine:
    return RequestLine(product_id=product_id, quantity=quantity)


def test_quantities_of_repeated_products_are_added_up() -> None:
    other = PRODUCT.format(PRODUCT.new())

    command = command_from_proto(request(line(quantity=2), line(other), line(quantity=3)))

    products = zip(command.quantities.items(), command.first_lines, strict=True)
    assert [(PRODUCT.format(product_id), quantity, first) for (product_id, quantity), first in products] == [
        (PRODUCT_ID, 5, 0),
        (other, 1, 1),
    ]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (lambda: pb.PlaceOrderRequest(request_id="k"), "products"),
        (lambda: request(*[line() for _ in range(101)]), "products"),
        (lambda: request(line(quantity=0)), "products.0.quantity"),
        (lambda: request(line(), line(quantity=-1)), "products.1.quantity"),
        (lambda: request(line(quantity=10_001)), "products.0.quantity"),
        (lambda: request(line(quantity=6_000), line(quantity=4_001)), "products.1.quantity"),
        (lambda: request(line(ORDER.format(ORDER.new()))), "products.0.id"),
        (lambda: request(line("")), "products.0.id"),
        (lambda: request(line("prod_1")), "products.0.id"),
        (lambda: request(account_id=PRODUCT_ID), "accountId"),
        (lambda: request(payment_method="4242 4242 4242 4242"), "paymentMethod"),
        (lambda: request(payment_method="tok 4000000000000002"), "paymentMethod"),
        (lambda: request(payment_method="x" * 256), "paymentMethod"),
        (lambda: request(payment_method="a\x00b"), "paymentMethod"),
        (lambda: request(expected_total="cheap"), "expectedTotal"),
        (lambda: request(expected_total="1e3"), "expectedTotal"),
        (lambda: request(expected_total="-1"), "expectedTotal"),
        (lambda: request(expected_total="NaN"), "expectedTotal"),
        (lambda: request(request_id=""), "idempotencyKey"),
        (lambda: request(request_id="   "), "idempotencyKey"),
        (lambda: request(request_id="x" * 256), "idempotencyKey"),
        (lambda: request(shipping_address={**HOME, "city": " "}), "shippingAddress.city"),
        (lambda: request(shipping_address={**HOME, "name": "x" * 101}), "shippingAddress.name"),
        (lambda: request(shipping_address={**HOME, "line1": ""}), "shippingAddress.line1"),
        (lambda: request(shipping_address={**HOME, "line2": "a\nb"}), "shippingAddress.line2"),
        (lambda: request(shipping_address={**HOME, "name": "\u3164"}), "shippingAddress.name"),
        (lambda: request(shipping_address={**HOME, "line1": "1 Main\u202e Street"}), "shippingAddress.line1"),
        (lambda: request(shipping_address={**HOME, "region": "x" * 101}), "shippingAddress.region"),
        (lambda: request(shipping_address={**HOME, "postal_code": "x" * 101}), "shippingAddress.postalCode"),
        (lambda: request(shipping_address={**HOME, "country_code": "XX"}), "shippingAddress.countryCode"),
        (lambda: request(shipping_address={**HOME, "country_code": ""}), "shippingAddress.countryCode"),
    ],
)
def test_invalid_fields_are_named(wrong: Callable[[], pb.PlaceOrderRequest], path: str) -> None:
    assert invalid_fields(wrong()) == [path]


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


def test_all_invalid_fields_are_reported_at_once() -> None:
    address = {**HOME, "country_code": "Switzerland"}
    wrong = request(
        line("x", 0), expected_total="?", shipping_address=address, payment_method="4242424242424242"
    )

    assert invalid_fields(wrong) == [
        "products.0.id",
        "products.0.quantity",
        "shippingAddress.countryCode",
        "paymentMethod",
        "expectedTotal",
    ]


def test_values_at_the_limits_are_accepted() -> None:
    lines = [line(PRODUCT.format(PRODUCT.new()), 10_000) for _ in range(100)]
    command = command_from_proto(request(*lines, request_id="x" * 255, payment_method="y" * 255))

    assert len(command.quantities) == 100


def test_texts_are_normalized() -> None:
    command = command_from_proto(
        request(shipping_address={**HOME, "city": " Zu\u0308rich ", "country_code": "ch"})
    )

    assert command.shipping_address
    assert (command.shipping_address.city, command.shipping_address.country_code) == ("Zürich", "CH")


@pytest.mark.parametrize(
    "other",
    [
        {"account_id": ACCOUNT.format(ACCOUNT.new())},
        {"payment_method": "pm_card_chargeDeclined"},
        {"expected_total": "9.99"},
        {"shipping_address": HOME},
        {"lines": [line(quantity=2)]},
    ],
)
def test_different_input_has_a_different_hash(other: dict[str, Any]) -> None:
    assert command_from_proto(request(**other)).input_hash != command_from_proto(request()).input_hash


def test_equivalent_input_has_the_same_hash() -> None:
    one = command_from_proto(request(line(quantity=3), expected_total="9.90", request_id="a"))
    two = command_from_proto(
        request(line(quantity=1), line(quantity=2), expected_total="9.9", request_id="b")
    )

    assert one.input_hash == two.input_hash


EQUIVALENT: dict[str, dict[str, Any]] = {
    "own account named": {"account_id": ACCOUNT.format(CALLER)},
    "lines in a different order": {"lines": [line(OTHER_ID, 4), line(PRODUCT_ID, 3)]},
    "a product on two lines": {"lines": [line(PRODUCT_ID, 1), line(OTHER_ID, 4), line(PRODUCT_ID, 2)]},
    "default payment method named": {"payment_method": "pm_card_visa"},
    "trailing zeros": {"expected_total": "10.0000000"},
    "all of it": {
        "account_id": ACCOUNT.format(CALLER),
        "lines": [line(OTHER_ID, 2), line(PRODUCT_ID, 3), line(OTHER_ID, 2)],
        "payment_method": " pm_card_visa ",
        "expected_total": "010.00",
        "shipping_address": {**HOME, "city": " Zu\u0308rich ", "country_code": "ch"},
    },
}


@pytest.mark.parametrize("way", EQUIVALENT)
def test_requests_of_the_same_meaning_have_the_same_hash(way: str) -> None:
    plain: dict[str, Any] = {
        "lines": [line(PRODUCT_ID, 3), line(OTHER_ID, 4)],
        "expected_total": "10",
        "shipping_address": HOME,
    }
    one = command_from_proto(request(**plain))
    other = command_from_proto(request(**{**plain, **EQUIVALENT[way]}))
    assert one.input_hash == other.input_hash


def test_hashes_of_earlier_releases_still_match() -> None:
    lines = [line(OTHER_ID, 4), line(PRODUCT_ID, 3)]
    command = command_from_proto(request(*lines, payment_method="pm_card_visa", expected_total="10"))
    ids = [PRODUCT.parse(product_id) for product_id in (OTHER_ID, PRODUCT_ID)]
    parts = (None, [(ids[0], 4), (ids[1], 3)], None, "pm_card_visa", "10")
    earlier = hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()
    assert command.matches(earlier)
    assert command.matches(command.input_hash)
    assert not command.matches(b"another")


@pytest.mark.parametrize("text", ["10.0000000", "10.500000000000000000", "0999.99", "10"])
def test_an_expected_total_may_have_trailing_zeros(text: str) -> None:
    assert Decimal(command_from_proto(request(expected_total=text)).expected_total) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("10.0000001", "must have at most 6 decimals"),
        ("-1", "must not be negative"),
        ("-0", "must not be negative"),
        ("1" * 16, "must have at most 15 digits before the point"),
        *[
            (text, "must be a decimal number without exponent, such as 999.99")
            for text in ("1e1", ".5", "1.", "--1", "+1", "1,5", "\u0661")
        ],
    ],
)
def test_an_invalid_expected_total_is_rejected_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(InvalidArgument) as rejected:
        command_from_proto(request(expected_total=text))
    assert [(fault.path, fault.message) for fault in rejected.value.fields] == [(("expectedTotal",), rule)]


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


@pytest.mark.parametrize("text", [" ", "\t \u2003"])
def test_a_blank_payment_method_is_rejected_and_a_missing_one_is_not(text: str) -> None:
    assert invalid_fields(request(payment_method=text)) == ["paymentMethod"]
    assert command_from_proto(request(payment_method="")).payment_method == ""


@given(st.text(), st.integers(-(2**31), 2**31 - 1), st.text(), st.text(), st.text(max_size=300))
def test_no_input_causes_an_internal_error(
    product: str, quantity: int, total: str, city: str, method: str
) -> None:
    sent = request(
        line(_encodable(product), quantity),
        expected_total=_encodable(total),
        payment_method=_encodable(method),
        shipping_address={**HOME, "city": _encodable(city)},
    )
    reported = True
    try:
        command_from_proto(sent)
    except InvalidArgument as rejection:
        reported = bool(rejection.fields)
    assert reported


def _encodable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()
