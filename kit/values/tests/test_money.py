"""Rules of money and currencies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from kit.values import (
    CURRENCIES,
    MixedCurrency,
    Money,
    money_from_proto,
    money_to_proto,
)

amounts = st.integers(min_value=-(10**12), max_value=10**12)
currencies = st.sampled_from(sorted(CURRENCIES))


@given(currencies, st.integers(min_value=1, max_value=10**8))
def test_what_the_provider_charges_is_a_multiple_of_the_currencys_step(code: str, minor: int) -> None:
    currency = CURRENCIES[code]
    # Three-decimal currencies: the last digit is 0 (docs.stripe.com/currencies).
    assert currency.step == (10 if currency.exponent == 3 else 1)
    assert currency.minimum % currency.step == currency.maximum % currency.step == 0
    assert bool(Money(minor, code).step_violation()) is (minor % currency.step != 0)


def test_an_amount_off_its_step_names_the_step() -> None:
    assert Money(18_605, "KWD").step_violation() == "must be a multiple of 0.010 KWD"
    assert [
        Money(minor, code).step_violation() for minor, code in ((18_600, "KWD"), (1, "USD"), (7, "JPY"))
    ] == [""] * 3


@given(amounts, currencies)
def test_money_survives_text_and_wire(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(money.text(), currency) == money
    assert money_from_proto(money_to_proto(money)) == money
    assert str(money.decimal()) == money.text()


@given(amounts, amounts, currencies, st.integers(min_value=0, max_value=10_000))
def test_sums_and_products_are_exact(left: int, right: int, currency: str, count: int) -> None:
    assert (Money(left, currency) + Money(right, currency)).minor == left + right
    assert (Money(left, currency) - Money(right, currency)).minor == left - right
    assert (Money(left, currency) * count).minor == left * count


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.001", "USD"),
        ("0.5", "JPY"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("abc", "USD"),
        ("1", "XXX"),
        ("1e30", "USD"),
    ]
    + [
        ("1.000000000000000001", "USD"),
        ("9.9900000000000000000000000000000000001", "USD"),
        ("100.0000000000000000000000000000000001", "JPY"),
        ("1.2300000000000000000000000000000000000004", "KWD"),
    ],
)
def test_an_amount_that_the_currency_cannot_hold_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(InvalidArgument):
        Money.parse(amount, currency, "price")


def test_money_is_written_with_its_currencys_decimals() -> None:
    written = [
        Money(500, "USD").text(),
        Money(500, "JPY").text(),
        Money(-5, "USD").text(),
        Money(1, "KWD").text(),
    ]
    assert written == ["5.00", "500", "-0.05", "0.001"]
    assert Money.parse(Decimal("999.99"), "USD").minor == 99999


def test_currencies_do_not_mix() -> None:
    with pytest.raises(MixedCurrency):
        Money(1, "USD") + Money(1, "EUR")
