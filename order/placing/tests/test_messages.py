"""Validation of PlaceOrderRequest."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from souk.order.v1 import order_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import InvalidArgument
from kit.values import ORDER, PRODUCT, VARIANT
from order.orders.domain import Confirmation
from order.placing.tests.requests import HOME, PRODUCT_ID, command_from_proto, invalid_fields, line, request


def test_quantities_of_repeated_products_are_added_up() -> None:
    other = PRODUCT.format(PRODUCT.new())

    command = command_from_proto(request(line(quantity=2), line(other), line(quantity=3)))

    products = zip(command.quantities.items(), command.first_lines, strict=True)
    assert [(PRODUCT.format(product_id), quantity, first) for (product_id, quantity), first in products] == [
        (PRODUCT_ID, 5, 0),
        (other, 1, 1),
    ]


def test_a_variant_and_the_product_with_its_id_are_one_line_that_must_have_no_options() -> None:
    mug, other = PRODUCT.parse(PRODUCT_ID), VARIANT.new()

    command = command_from_proto(
        request(line(VARIANT.format(mug), 2), line(VARIANT.format(other)), line(PRODUCT_ID, 3))
    )

    assert (command.quantities, command.first_lines) == ({mug: 5, other: 1}, (0, 1))
    assert command.by_product == {mug}


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


def test_who_confirms_the_payment_is_read_and_is_the_server_unless_said() -> None:
    for value, expected in ((0, Confirmation.SERVER), (1, Confirmation.SERVER), (2, Confirmation.CLIENT)):
        assert command_from_proto(request(confirmation=value)).confirmation is expected
    assert invalid_fields(request(confirmation=9)) == ["confirmation"]


def test_a_payment_method_is_not_named_where_the_page_confirms() -> None:
    by_page = {"confirmation": order_pb2.PAYMENT_CONFIRMATION_CLIENT}
    assert invalid_fields(request(payment_method="pm_card_visa", **by_page)) == ["paymentMethod"]


def test_the_input_hash_says_who_confirms_only_where_it_is_the_page() -> None:
    plain = command_from_proto(request())
    server = command_from_proto(request(confirmation=order_pb2.PAYMENT_CONFIRMATION_SERVER))
    page = command_from_proto(request(confirmation=order_pb2.PAYMENT_CONFIRMATION_CLIENT))
    assert plain.input_hash == server.input_hash
    assert not page.matches(plain.input_hash)
    assert not page.matches(plain.legacy_input_hash)
    assert not plain.matches(page.input_hash)
    saving = command_from_proto(request(save_method=True))
    assert saving.save_method
    assert not saving.matches(plain.input_hash)
