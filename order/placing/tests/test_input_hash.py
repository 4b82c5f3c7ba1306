"""Input hashes: which PlaceOrderRequests mean the same."""

import hashlib
from typing import Any

import orjson
import pytest

from kit.values import ACCOUNT, PRODUCT
from order.placing.tests.requests import CALLER, HOME, OTHER_ID, PRODUCT_ID, command_from_proto, line, request


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
