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


def test_a_change_is_added_to_the_free_stock() -> None:
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
def test_a_change_that_the_stock_does_not_allow_is_rejected(
    delta: int, free: int | None, reason: str
) -> None:
    with pytest.raises(FailedPrecondition) as error:
        change(delta).apply(free)
    assert error.value.reason == reason
    assert error.value.details == ({} if free is None else {"stock": free})


def test_the_id_comes_from_caller_and_key_and_the_hash_from_the_input() -> None:
    admin_id, now = uuid4(), FakeClock().now
    first = change(1).to_adjustment(admin_id, now)

    assert change(1).to_adjustment(admin_id, now) == first
    assert change(1).to_adjustment(uuid4(), now).id != first.id
    assert change(1, key="tuesday").to_adjustment(admin_id, now).id != first.id
    for other in (change(2), change(1, reason="found"), change(1, product_id=uuid4())):
        assert other.to_adjustment(admin_id, now).id == first.id
        assert other.to_adjustment(admin_id, now).input_hash != first.input_hash


def test_all_violations_of_a_change_are_reported() -> None:
    with pytest.raises(InvalidArgument) as error:
        change(1_000_000_001, reason="r" * 501, key="")
    assert [violation.path for violation in error.value.fields] == [
        ("delta",),
        ("reason",),
        ("idempotencyKey",),
    ]


@pytest.mark.parametrize(
    ("free", "stock", "delta", "action"),
    [
        (5, 3, -2, Action.SET),
        (None, 3, 3, Action.SET),
        (5, None, -5, Action.STOP_TRACKING),
        (None, None, 0, Action.STOP_TRACKING),
    ],
)
def test_an_override_is_recorded_as_the_difference(
    free: int | None, stock: int | None, delta: int, action: Action
) -> None:
    adjustment = StockOverride.parse(MUG, stock, free, "").to_adjustment(free, uuid4(), FakeClock().now)
    assert (adjustment.delta, adjustment.action) == (delta, action)


@pytest.mark.parametrize("free", [None, 0, 6])
def test_an_override_of_unexpected_stock_is_rejected_with_the_current_stock(free: int | None) -> None:
    with pytest.raises(StockConflict) as error:
        StockOverride.parse(MUG, 7, 5, "").to_adjustment(free, uuid4(), FakeClock().now)
    assert (error.value.reason, error.value.details) == ("VERSION_CONFLICT", {"stock": free})
    now = "is not tracked" if free is None else f"is {free} now"
    assert error.value.message == f"the free stock {now}, not 5"


def test_all_violations_of_an_override_are_reported() -> None:
    with pytest.raises(InvalidArgument) as error:
        StockOverride.parse(MUG, -1, 1_000_000_001, "a\0b")
    assert [violation.path for violation in error.value.fields] == [("stock",), ("expected",), ("reason",)]
