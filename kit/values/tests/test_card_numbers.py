"""Which texts look like card numbers."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.values import (
    looks_like_card_number,
)


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242.4242.4242.4242",
        "4242  4242  4242  4242",
        "x4000000000000002y",
        "my card is 378282246310005, thanks",
        "5555555555554444",
        "6205500000000000004",
        "3056 9300 0902 0004",
        "675964982648",
        "12 4242 4242 4242 4242 12/34 123",
        "order 17: 4242 4242 4242 4242",
        "\uff14\uff12\uff14\uff12" * 4,
        "4242\u00a04242\u00a04242\u00a04242",
    ],
)
def test_card_numbers_are_recognised(text: str) -> None:
    assert looks_like_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pm_card_visa",
        "pm_1PgafyB7WZ01zgkWSjxsAJo3",
        # Telephone numbers: of 13 digits like Visa's old cards, and with a plus sign.
        "4915112345679",
        "+4242424242424242",
        "+49 151 1234 5679",
        # Parcel numbers that pass the Luhn check, of no issuer or no issuer's length.
        "00340434161094021501",
        "9400111899223197428490",
        "2999999999999990",
        "424242424242424242",
        "3530111333300",
        "4242424242424241",
        "424242424242",
        "42424242424242424242424242424242",
        "+41 44 668 18 00",
        "0000000000000000",
        "1700000000000000",
        "2026-11-23",
        "ord_01hv8z3c5ye9mvw0000000000",
    ],
)
def test_other_texts_are_no_card_numbers(text: str) -> None:
    assert not looks_like_card_number(text)


@given(st.integers(min_value=10**12, max_value=10**19 - 1))
def test_few_long_numbers_look_like_cards_and_only_those_of_issuers(number: int) -> None:
    if looks_like_card_number(str(number)):
        assert str(number)[0] in "23456"
        assert len(str(number)) in range(12, 20)


def test_hardly_any_parcel_number_looks_like_a_card() -> None:
    chance = Random(7)
    numbers = [
        str(chance.randrange(10 ** (size - 1), 10**size)) for size in range(13, 20) for _ in range(500)
    ]
    rejected = sum(looks_like_card_number(number) for number in numbers)
    assert rejected < len(numbers) * 0.03
