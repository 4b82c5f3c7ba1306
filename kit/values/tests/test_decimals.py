"""Decimals that clients send."""

from decimal import Decimal

import pytest

from kit.errors import InvalidArgument
from kit.values import FieldReader, plain_decimal


@pytest.mark.parametrize("text", ["0", "10", "999.99", "0.000001", "1.5000000000", "9" * 15])
def test_a_plain_decimal_is_read_as_it_is(text: str) -> None:
    reader = FieldReader()
    assert reader.decimal(text, "amount") == Decimal(text)
    reader.raise_if_invalid()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        *[(text, "must be a decimal number") for text in ("1e3", " 1", "1,5", ".5", "5.", "NaN", "\u0661")],
        ("-1", "must not be negative"),
        ("0.0000001", "must have at most 6 decimals"),
        ("9" * 16, "must have at most 15 digits"),
    ],
)
def test_anything_else_is_rejected_with_the_rule(text: str, rule: str) -> None:
    reader = FieldReader()
    assert reader.decimal(text, "amount") is None
    with pytest.raises(InvalidArgument, match=f"amount: {rule}"):
        reader.raise_if_invalid()


def test_equal_decimals_have_the_same_plain_text() -> None:
    assert [plain_decimal(Decimal(text)) for text in ("10", "10.0", "1E+1", "10.50")] == [
        "10",
        "10",
        "10",
        "10.5",
    ]
    assert plain_decimal(FieldReader().decimal("", "amount")) == ""
