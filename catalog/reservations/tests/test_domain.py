"""Rules of reservations: requests, hashes and the order of rejections."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.products.errors import ProductNotFound
from catalog.reservations.domain import (
    LineQuote,
    Reservation,
    ReservationRequest,
    ReservationState,
    rejection_of,
)
from catalog.reservations.errors import OutOfStock, PriceChanged, TotalOutOfRange
from kit.errors import IdempotencyConflict, InvalidArgument, SoukError
from kit.values import CURRENCIES, ORDER, PRODUCT, MixedCurrency, Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MUG, POT = PRODUCT.derive("mug"), PRODUCT.derive("pot")
WITH_STOCK = [ReservationState.HELD, ReservationState.COMMITTED]
WITHOUT_STOCK = [ReservationState.RELEASED, ReservationState.RETURNED]


def request(*lines: tuple[UUID, int], expected: str = "") -> ReservationRequest:
    total = Decimal(expected) if expected else None
    return ReservationRequest.parse(ORDER.derive("order"), lines or ((MUG, 1),), total)


def quote(
    minor: int | None = 999, *, quantity: int = 1, free: int | None = None, currency: str = "USD"
) -> LineQuote:
    price = None if minor is None else Money(minor, currency)
    return LineQuote(PRODUCT.new(), quantity, price, free)


def rejection(*quotes: LineQuote, expected: str = "") -> SoukError:
    lines = [(quote.product_id, quote.quantity) for quote in quotes]
    return rejection_of(request(*lines, expected=expected), quotes)


def violations(*lines: tuple[UUID, int]) -> list[tuple[str | int, ...]]:
    with pytest.raises(InvalidArgument) as error:
        ReservationRequest.parse(ORDER.new(), lines, None)
    return [violation.path for violation in error.value.fields]


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("quantity", [1, 1_000_000])
def test_an_order_has_1_to_100_lines_of_1_to_1_000_000_pieces(count: int, quantity: int) -> None:
    lines = [(PRODUCT.new(), quantity) for _ in range(count)]

    assert ReservationRequest.parse(ORDER.new(), lines, None).quantities == dict(lines)


def test_an_order_without_lines_or_with_more_than_100_is_rejected() -> None:
    assert violations() == [("products",)]
    assert violations(*[(PRODUCT.new(), 1) for _ in range(101)]) == [("products",)]


def test_all_invalid_lines_are_reported() -> None:
    lines = ((MUG, 0), (POT, 1_000_001), (MUG, 1))

    assert violations(*lines) == [
        ("products", 0, "quantity"),
        ("products", 1, "quantity"),
        ("products", 2, "id"),
    ]


def test_the_expected_total_is_not_part_of_the_hash() -> None:
    assert request((MUG, 1), expected="9.99").input_hash == request((MUG, 1)).input_hash


@given(*[st.lists(st.integers(1, 9), min_size=1, max_size=4) for _ in range(2)])
def test_different_lines_have_different_hashes(left: list[int], right: list[int]) -> None:
    hashes = [
        request(*[(PRODUCT.derive(str(i)), quantity) for i, quantity in enumerate(quantities)]).input_hash
        for quantities in (left, right)
    ]

    assert (hashes[0] == hashes[1]) == (left == right)


@pytest.mark.parametrize("state", WITH_STOCK)
def test_a_reservation_with_stock_accepts_only_the_same_lines_again(state: ReservationState) -> None:
    first = request((MUG, 1))
    reservation = Reservation(first.order_id, state, first.input_hash, (), NOW)

    reservation.require_same_lines(first)
    with pytest.raises(IdempotencyConflict):
        reservation.require_same_lines(request((MUG, 2)))


@pytest.mark.parametrize("state", WITHOUT_STOCK)
def test_a_reservation_without_stock_accepts_any_lines(state: ReservationState) -> None:
    Reservation(ORDER.derive("order"), state, b"", (), NOW).require_same_lines(request((MUG, 2)))


def test_held_and_committed_reservations_have_stock() -> None:
    assert [state for state in ReservationState if state.has_stock] == WITH_STOCK


@pytest.mark.parametrize(
    ("free", "quantity", "enough"), [(None, 5, True), (5, 5, True), (4, 5, False), (0, 1, False)]
)
def test_free_stock_must_cover_the_quantity_unless_it_is_not_tracked(
    free: int | None, quantity: int, enough: bool
) -> None:
    assert quote(quantity=quantity, free=free).is_enough is enough


def test_missing_products_are_reported_before_anything_else() -> None:
    error = rejection(quote(), quote(None), quote(free=0), quote(None))

    assert isinstance(error, ProductNotFound)
    assert [violation.path for violation in error.fields] == [("products", 1, "id"), ("products", 3, "id")]


def test_an_order_in_several_currencies_is_rejected() -> None:
    assert isinstance(rejection(quote(), quote(currency="EUR")), MixedCurrency)


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_total_below_or_above_the_provider_limits_is_rejected(currency: str) -> None:
    limits = CURRENCIES[currency]

    for minor in (limits.minimum - 1, limits.maximum + 1):
        error = rejection(quote(minor, currency=currency))
        assert isinstance(error, TotalOutOfRange)
        assert [violation.path for violation in error.fields] == [("products",)]
    for minor in (limits.minimum, limits.maximum):
        assert isinstance(rejection(quote(minor, currency=currency, free=0)), OutOfStock)


def test_a_changed_price_is_reported_with_the_current_lines() -> None:
    mug = quote(1050, quantity=2)

    error = rejection(mug, expected="19.98")

    assert isinstance(error, PriceChanged)
    line = {"product_id": PRODUCT.format(mug.product_id), "unit_price": "10.50", "quantity": 2}
    assert error.details == {"lines": [line], "total": "21.00", "currency": "USD"}


@pytest.mark.parametrize("expected", ["19.98", "19.980", "1998E-2"])
def test_the_expected_total_is_compared_as_a_number(expected: str) -> None:
    assert isinstance(rejection(quote(quantity=2, free=1), expected=expected), OutOfStock)


def test_a_shortage_is_reported_without_more_than_the_requested_quantity() -> None:
    plenty, short, sold_out = quote(free=100), quote(quantity=5, free=3), quote(free=0)

    error = rejection(plenty, short, sold_out)

    assert isinstance(error, OutOfStock)
    expected = [
        {"product_id": PRODUCT.format(row.product_id), "requested": requested, "available": free}
        for row, requested, free in ((short, 5, 3), (sold_out, 1, 0))
    ]
    assert error.details == {"lines": expected}


def test_the_order_of_lines_does_not_change_the_hash() -> None:
    order_id, lines = uuid4(), [(uuid4(), quantity) for quantity in (1, 2, 3)]
    one, other = (ReservationRequest.parse(order_id, rows, None) for rows in (lines, lines[::-1]))
    assert one.input_hash == other.input_hash
    assert one.input_hash != ReservationRequest.parse(order_id, lines[:2], None).input_hash


def test_a_hash_of_an_earlier_release_matches_in_the_order_of_its_lines() -> None:
    lines = sorted(
        [(uuid4(), 1), (uuid4(), 2)],
        reverse=True,
    )
    text = "|".join(f"{product_id.hex}:{quantity}" for product_id, quantity in lines)
    earlier = hashlib.blake2b(text.encode(), digest_size=16).digest()
    repeated = ReservationRequest.parse(uuid4(), lines, None)
    assert earlier != repeated.input_hash
    assert repeated.matches(earlier)
