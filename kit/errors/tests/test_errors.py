"""Rules of the error tree and of its one table."""

import pytest

from kit.errors import (
    Aborted,
    Category,
    FailedPrecondition,
    InvalidArgument,
    Unavailable,
    Violations,
    error_class_for,
    is_transient,
)
from kit.errors.transport import TABLE, category_from_grpc, graphql_code, grpc_code


class OutOfStock(FailedPrecondition):
    reason = "OUT_OF_STOCK"


def test_every_category_has_a_class_and_an_appearance() -> None:
    for category in Category:
        assert error_class_for(category).category is category
        assert category_from_grpc(TABLE[category].grpc) is category


def test_a_service_names_its_own_reason() -> None:
    error = OutOfStock(details={"lines": []})
    assert (error.reason, graphql_code(error), grpc_code(error)) == ("OUT_OF_STOCK", "OUT_OF_STOCK", 9)


def test_a_reason_defaults_to_the_category() -> None:
    assert Unavailable().reason == "UNAVAILABLE"
    assert Unavailable(reason="DATABASE_UNAVAILABLE").reason == "DATABASE_UNAVAILABLE"


def test_all_faults_of_an_input_are_answered_at_once() -> None:
    result = Violations()
    result.add(("email",), "must have a domain")
    result.add(("products", 0, "quantity"), "must be at least 1")
    with pytest.raises(InvalidArgument, match=r"email: .*; products\.0\.quantity: ") as caught:
        result.raise_if_any()
    assert [violation.path for violation in caught.value.fields] == [("email",), ("products", 0, "quantity")]


def test_no_fault_raises_nothing() -> None:
    result = Violations()
    result.raise_if_any()
    assert not result


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unavailable(), True),
        (Aborted(), True),
        (Aborted(reason="VERSION_CONFLICT"), False),
        (InvalidArgument(), False),
        (ValueError(), False),
    ],
)
def test_only_what_may_pass_is_transient(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected
