"""Wishes, reservations and refusals: rules by sentence."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import (
    IdempotencyConflict,
    OutOfStock,
    PriceChanged,
    ProductNotFound,
    StockConflict,
    TotalOutOfRange,
)
from catalog.stock_domain import (
    Action,
    Offer,
    Reservation,
    ReservationState,
    StockChange,
    StockCount,
    Want,
    Wish,
    refusal,
)
from kit.errors import FailedPrecondition, InvalidArgument, SoukError
from kit.testing import FakeClock
from kit.values import CURRENCIES, ORDER, PRODUCT, MixedCurrency, Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MUG, POT = PRODUCT.derive("mug"), PRODUCT.derive("pot")
HAVING_STOCK = [ReservationState.HELD, ReservationState.COMMITTED]
ENDED = [ReservationState.RELEASED, ReservationState.RETURNED]


def wish(*wants: tuple[UUID, int], seen: str = "") -> Wish:
    wanted = [Want(*want) for want in wants or ((MUG, 1),)]
    return Wish.read(ORDER.derive("order"), wanted, Decimal(seen) if seen else None)


def offer(
    minor: int | None = 999, *, quantity: int = 1, free: int | None = None, currency: str = "USD"
) -> Offer:
    price = None if minor is None else Money(minor, currency)
    return Offer(Want(PRODUCT.new(), quantity), "Mug", price, free)


def refused(*offers: Offer, seen: str = "") -> SoukError:
    return refusal(wish(*[(each.want.product_id, each.want.quantity) for each in offers], seen=seen), offers)


def faults(*wants: Want) -> list[tuple[str | int, ...]]:
    with pytest.raises(InvalidArgument) as error:
        Wish.read(ORDER.new(), wants, None)
    return [fault.path for fault in error.value.fields]


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("quantity", [1, 1_000_000])
def test_an_order_wants_1_to_100_products_each_up_to_a_million_times(count: int, quantity: int) -> None:
    wants = [Want(PRODUCT.new(), quantity) for _ in range(count)]

    assert Wish.read(ORDER.new(), wants, None).wants == tuple(wants)


def test_an_order_of_nothing_or_of_too_much_is_refused() -> None:
    assert faults() == [("products",)]
    assert faults(*[Want(PRODUCT.new(), 1) for _ in range(101)]) == [("products",)]


def test_each_faulty_line_is_named() -> None:
    wants = (Want(MUG, 0), Want(POT, 1_000_001), Want(MUG, 1))

    assert faults(*wants) == [("products", 0, "quantity"), ("products", 1, "quantity"), ("products", 2, "id")]


def test_what_the_buyer_saw_does_not_make_it_another_wish() -> None:
    assert wish((MUG, 1), seen="9.99").input_hash == wish((MUG, 1)).input_hash


@given(*[st.lists(st.integers(1, 9), min_size=1, max_size=4) for _ in range(2)])
def test_other_wants_make_another_hash(left: list[int], right: list[int]) -> None:
    wishes = [
        wish(*[(PRODUCT.derive(str(at)), quantity) for at, quantity in enumerate(quantities)])
        for quantities in (left, right)
    ]

    assert (wishes[0].input_hash == wishes[1].input_hash) == (left == right)


@pytest.mark.parametrize("state", HAVING_STOCK)
def test_a_reservation_answers_the_wish_that_made_it_and_no_other(state: ReservationState) -> None:
    mine = wish((MUG, 1))
    reservation = Reservation(mine.order_id, state, mine.input_hash, (), NOW)

    assert reservation.for_wish(mine) is reservation
    with pytest.raises(IdempotencyConflict):
        reservation.for_wish(wish((MUG, 2)))


@pytest.mark.parametrize("state", ENDED)
def test_an_ended_reservation_answers_any_wish_of_its_order(state: ReservationState) -> None:
    reservation = Reservation(ORDER.derive("order"), state, b"", (), NOW)

    assert reservation.for_wish(wish((MUG, 2))) is reservation


def test_only_what_is_held_or_sold_has_stock() -> None:
    assert [state for state in ReservationState if state.has_stock] == HAVING_STOCK


@pytest.mark.parametrize(
    ("free", "quantity", "enough"), [(None, 5, True), (5, 5, True), (4, 5, False), (0, 1, False)]
)
def test_there_is_enough_of_what_is_free_or_not_counted(
    free: int | None, quantity: int, enough: bool
) -> None:
    assert offer(quantity=quantity, free=free).is_enough is enough


def test_products_that_are_not_there_are_named_before_all_else() -> None:
    error = refused(offer(), offer(None), offer(free=0), offer(None))

    assert isinstance(error, ProductNotFound)
    assert [fault.path for fault in error.fields] == [("products", 1, "id"), ("products", 3, "id")]


def test_several_currencies_are_refused() -> None:
    assert isinstance(refused(offer(), offer(currency="EUR")), MixedCurrency)


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_total_below_or_above_what_the_provider_charges_is_refused(currency: str) -> None:
    known = CURRENCIES[currency]

    for minor in (known.minimum - 1, known.maximum + 1):
        error = refused(offer(minor, currency=currency))
        assert isinstance(error, TotalOutOfRange)
        assert [fault.path for fault in error.fields] == [("products",)]
    for minor in (known.minimum, known.maximum):
        assert isinstance(refused(offer(minor, currency=currency, free=0)), OutOfStock)


def test_a_total_that_the_buyer_did_not_see_is_told_with_its_lines() -> None:
    dear = offer(1050, quantity=2)

    error = refused(dear, seen="19.98")

    assert isinstance(error, PriceChanged)
    line = {"product_id": PRODUCT.format(dear.want.product_id), "unit_price": "10.50", "quantity": 2}
    assert error.details == {"lines": [line], "total": "21.00", "currency": "USD"}


@pytest.mark.parametrize("seen", ["19.98", "19.980", "1998E-2"])
def test_the_total_is_compared_as_a_number(seen: str) -> None:
    assert isinstance(refused(offer(quantity=2, free=1), seen=seen), OutOfStock)


def test_short_lines_are_told_with_no_more_than_was_asked_for() -> None:
    plenty, short, gone = offer(free=100), offer(quantity=5, free=3), offer(free=0)

    error = refused(plenty, short, gone)

    assert isinstance(error, OutOfStock)
    expected = [
        {"product_id": PRODUCT.format(each.want.product_id), "requested": asked, "available": free}
        for each, asked, free in ((short, 5, 3), (gone, 1, 0))
    ]
    assert error.details == {"lines": expected}


def change(delta: int = 1, *, reason: str = "", key: str = "monday", product_id: UUID = MUG) -> StockChange:
    return StockChange.read(product_id, delta, reason, key)


def test_a_change_is_added_to_what_is_free() -> None:
    assert change(3).applied_to(4) == 7
    assert change(-4).applied_to(4) == 0


@pytest.mark.parametrize(
    ("delta", "free", "reason"),
    [
        (-5, 4, "INSUFFICIENT_STOCK"),
        (1, None, "NOT_TRACKED"),
        (1_000_000_000, 1, "STOCK_LIMIT"),
    ],
)
def test_a_change_that_the_stock_does_not_allow_is_refused(delta: int, free: int | None, reason: str) -> None:
    with pytest.raises(FailedPrecondition) as refusal:
        change(delta).applied_to(free)
    assert refusal.value.reason == reason
    assert refusal.value.details == ({} if free is None else {"stock": free})


def test_a_callers_key_makes_the_adjustments_id_and_the_input_its_hash() -> None:
    me, now = uuid4(), FakeClock().now
    first = change(1).of(me, now)

    assert change(1).of(me, now) == first
    assert change(1).of(uuid4(), now).id != first.id
    assert change(1, key="tuesday").of(me, now).id != first.id
    for other in (change(2), change(1, reason="found"), change(1, product_id=uuid4())):
        assert other.of(me, now).id == first.id
        assert other.of(me, now).input_hash != first.input_hash


def test_a_change_names_every_fault() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        change(1_000_000_001, reason="r" * 501, key="")
    assert [fault.path for fault in refusal.value.fields] == [("delta",), ("reason",), ("idempotencyKey",)]


@pytest.mark.parametrize(
    ("free", "stock", "delta", "action"),
    [
        (5, 3, -2, Action.SET),
        (None, 3, 3, Action.SET),
        (5, None, -5, Action.STOP_TRACKING),
        (None, None, 0, Action.STOP_TRACKING),
    ],
)
def test_a_count_is_kept_as_what_it_changes(
    free: int | None, stock: int | None, delta: int, action: Action
) -> None:
    made = StockCount.read(MUG, stock, free, "").instead_of(free, uuid4(), FakeClock().now)
    assert (made.delta, made.action) == (delta, action)


@pytest.mark.parametrize("free", [None, 0, 6])
def test_a_count_of_stock_that_is_not_as_expected_is_refused_and_told_what_it_is(free: int | None) -> None:
    with pytest.raises(StockConflict) as refusal:
        StockCount.read(MUG, 7, 5, "").instead_of(free, uuid4(), FakeClock().now)
    assert (refusal.value.reason, refusal.value.details) == ("VERSION_CONFLICT", {"stock": free})


def test_a_count_names_every_fault() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        StockCount.read(MUG, -1, 1_000_000_001, "a\0b")
    assert [fault.path for fault in refusal.value.fields] == [("stock",), ("expected",), ("reason",)]


def test_wants_in_another_order_are_the_same_wish() -> None:
    order_id, wants = uuid4(), [Want(uuid4(), 1), Want(uuid4(), 2), Want(uuid4(), 3)]
    one, other = Wish.read(order_id, wants, None), Wish.read(order_id, wants[::-1], None)
    assert one.input_hash == other.input_hash
    assert one.input_hash != Wish.read(order_id, wants[:2], None).input_hash


def test_a_reservation_of_an_earlier_release_is_known_by_the_order_of_its_wants() -> None:
    wants = sorted([Want(uuid4(), 1), Want(uuid4(), 2)], key=lambda want: want.product_id, reverse=True)
    text = "|".join(f"{want.product_id.hex}:{want.quantity}" for want in wants)
    earlier = hashlib.blake2b(text.encode(), digest_size=16).digest()
    asked = Wish.read(uuid4(), wants, None)
    assert earlier != asked.input_hash
    assert asked.is_same_as(earlier)
