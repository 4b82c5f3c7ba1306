"""Rules of ids, money, text and cursors."""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from kit.values import (
    ACCOUNT,
    CURRENCIES,
    ORDER,
    FieldReader,
    MixedCurrency,
    Money,
    decode_cursor,
    decode_position,
    encode_cursor,
    encode_position,
    looks_like_card_number,
    money_from_proto,
    money_to_proto,
    rfc3339,
    utc_now,
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


@given(st.uuids())
def test_an_id_survives_being_written_and_read(value: UUID) -> None:
    assert ORDER.parse(ORDER.format(value), "id") == value


def test_an_id_is_written_as_typeid_has_it() -> None:
    value = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    assert ORDER.format(value) == "ord_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ord_",
        "acc_01h455vb4pex5vsknk084sn02q",
        "ord_01h455vb4pex5vsknk084sn02",
        "ord_81h455vb4pex5vsknk084sn02q",
    ]
    + [
        "ord_01H455VB4PEX5VSKNK084SN02Q",
        "ord_01h455vb4pex5vsknk084sn02u",
        "ORD_01h455vb4pex5vsknk084sn02q",
        "ord_\0",
    ],
)
def test_a_malformed_id_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ORDER.parse(text, "input", "id")
    assert caught.value.fields[0].path == ("input", "id")


def test_fresh_ids_sort_by_their_time() -> None:
    ids = [ORDER.new() for _ in range(100)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 100


def test_a_derived_id_follows_from_its_key_and_kind() -> None:
    assert ORDER.derive("a", "b") == ORDER.derive("a", "b")
    assert (
        len({ORDER.derive("a", "b"), ORDER.derive("ab"), ORDER.derive("a", "c"), ACCOUNT.derive("a", "b")})
        == 4
    )


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


def test_every_fault_of_an_input_is_found() -> None:
    reading = FieldReader()
    reading.text("", "name", min_length=1, max_length=100)
    reading.text("a\0b", "note", max_length=500)
    reading.email("someone@localhost", "email")
    reading.phone("0791234567", "phone")
    reading.country("XX", "country")
    reading.url("ftp://x", "images", 0)
    reading.integer(0, "quantity", minimum=1, maximum=10)
    with pytest.raises(InvalidArgument) as caught:
        reading.raise_if_invalid()
    result = {violation.path[0] for violation in caught.value.fields}
    assert result == {"name", "note", "email", "phone", "country", "images", "quantity"}


def test_text_is_trimmed_and_composed() -> None:
    assert FieldReader().text("  Cafe\u0301 ", "name", max_length=100) == "Caf\u00e9"


@pytest.mark.parametrize("address", ["John@Example.com", "a@b.test", "x+y@shop.co.uk"])
def test_an_address_is_normalised(address: str) -> None:
    reading = FieldReader()
    assert reading.email(address, "email") == address.lower()
    reading.raise_if_invalid()


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b.test", "a b@c.test", "a@b..test", "a@b.test\nx", "a" * 250 + "@b.test"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    reading = FieldReader()
    reading.email(address, "email")
    with pytest.raises(InvalidArgument):
        reading.raise_if_invalid()


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


def test_a_cursor_is_good_for_its_own_query_only() -> None:
    cursor = encode_cursor("orders newest", ["2026", 7, None])
    assert decode_cursor(cursor, "orders newest", "after") == ["2026", 7, None]
    for broken in (cursor[:-2], "", "%%%", "x" * 2000):
        with pytest.raises(InvalidArgument):
            decode_cursor(broken, "orders newest", "after")
    with pytest.raises(InvalidArgument):
        decode_cursor(cursor, "orders oldest", "after")


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_list_by_time_goes_on_where_its_cursor_says(time: datetime, item: UUID) -> None:
    assert decode_position(encode_position("orders", time, item), "orders", "after") == (time, item)
    assert decode_position("", "orders", "after") is None


@pytest.mark.parametrize(
    "values", [[], ["2026"], ["yesterday", str(UUID(int=1))], ["0001-01-01T00:00+23:59", "1"]]
)
def test_a_position_that_was_made_up_is_refused(values: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        decode_position(encode_cursor("orders", values), "orders", "after")
    assert caught.value.reason == "INVALID_CURSOR"


def test_a_batch_names_a_hundred_ids_at_most_and_a_set_each_once() -> None:
    ids = [ORDER.new() for _ in range(100)]
    texts = [ORDER.format(item) for item in ids]
    assert ORDER.parse_all(texts, "order_ids") == ids == ORDER.parse_unique(texts, "order_ids")
    assert ORDER.parse_all([], "order_ids") == []
    for rejected in ([*texts, texts[0]], [], [texts[0], texts[0]]):
        with pytest.raises(InvalidArgument):
            ORDER.parse_unique(rejected, "order_ids")
    with pytest.raises(InvalidArgument):
        ORDER.parse_all([*texts, texts[0]], "order_ids")


def test_instants_are_written_with_milliseconds_in_utc() -> None:
    text = rfc3339(utc_now())
    assert text.endswith("Z")
    assert len(text) == len("2026-11-23T09:30:00.000Z")


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


def test_an_optional_value_may_not_be_blank() -> None:
    reading = FieldReader()
    assert reading.not_blank("", "sku") == ""
    assert reading.not_blank(" a ", "sku") == " a "
    reading.raise_if_invalid()
    reading.not_blank(" ", "sku")
    with pytest.raises(InvalidArgument):
        reading.raise_if_invalid()
