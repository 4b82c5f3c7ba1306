"""Rules of stock: changes, overrides and their adjustments."""

from uuid import UUID, uuid4

import pytest

from catalog.stock.domain import Action, StockChange, StockOverride
from catalog.stock.errors import StockConflict
from kit.errors import FailedPrecondition, InvalidArgument
from kit.testing import FakeClock
from kit.values import PRODUCT

MUG = PRODUCT.derive("mug")


def change(delta: int = 1, *, reason: str = "", key: str = "monday", product_id: UUID = MUG) -> StockChange:
    return StockChange.parse(product_id, delta, reason, key)


def test_a_change_is_added_to_what_is_free() -> None:
    assert change(3).apply(4) == 7
    assert change(-4).apply(4) == 0


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
        change(delta).apply(free)
    assert refusal.value.reason == reason
    assert refusal.value.details == ({} if free is None else {"stock": free})


def test_a_callers_key_makes_the_adjustments_id_and_the_input_its_hash() -> None:
    me, now = uuid4(), FakeClock().now
    first = change(1).to_adjustment(me, now)

    assert change(1).to_adjustment(me, now) == first
    assert change(1).to_adjustment(uuid4(), now).id != first.id
    assert change(1, key="tuesday").to_adjustment(me, now).id != first.id
    for other in (change(2), change(1, reason="found"), change(1, product_id=uuid4())):
        assert other.to_adjustment(me, now).id == first.id
        assert other.to_adjustment(me, now).input_hash != first.input_hash


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
    made = StockOverride.parse(MUG, stock, free, "").replace(free, uuid4(), FakeClock().now)
    assert (made.delta, made.action) == (delta, action)


@pytest.mark.parametrize("free", [None, 0, 6])
def test_a_count_of_stock_that_is_not_as_expected_is_refused_and_told_what_it_is(free: int | None) -> None:
    with pytest.raises(StockConflict) as refusal:
        StockOverride.parse(MUG, 7, 5, "").replace(free, uuid4(), FakeClock().now)
    assert (refusal.value.reason, refusal.value.details) == ("VERSION_CONFLICT", {"stock": free})


def test_a_count_names_every_fault() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        StockOverride.parse(MUG, -1, 1_000_000_001, "a\0b")
    assert [fault.path for fault in refusal.value.fields] == [("stock",), ("expected",), ("reason",)]
