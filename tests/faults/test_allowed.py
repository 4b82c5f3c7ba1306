"""What a storm takes for an answer, and what not."""

from typing import Any

import pytest

from tests.e2e.shop import Answer
from tests.faults.allowed import is_repeatable, strange


def _refused(code: str, reason: str = "", **details: Any) -> Answer:
    extensions = {"code": code, "reason": reason or code, **details}
    return Answer(200, None, ({"message": "no", "extensions": extensions},))


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("order", Answer(200, {}, ())),
        ("order", _refused("OUT_OF_STOCK")),
        ("cancel", _refused("FAILED_PRECONDITION", "ORDER_STATE", status="SHIPPED")),
        ("ship", _refused("FAILED_PRECONDITION", "ORDER_STATE", status="PENDING")),
        ("refund", _refused("FAILED_PRECONDITION", "REFUND_EXCEEDS_CAPTURE")),
        ("take stock", _refused("FAILED_PRECONDITION", "INSUFFICIENT_STOCK")),
    ],
)
def test_a_rule_of_the_shops_is_an_answer(operation: str, answer: Answer) -> None:
    assert strange(operation, answer) == []
    assert not is_repeatable(answer)


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("order", _refused("FAILED_PRECONDITION", "DATABASE_CONTENTION")),
        ("order", _refused("SERVICE_UNAVAILABLE", "DATABASE_CONTENTION")),
        ("order", _refused("FAILED_PRECONDITION", "ORDER_STATE", status="SHIPPED")),
        ("order", _refused("IDEMPOTENCY_CONFLICT")),
        ("order", _refused("INTERNAL")),
        # Nothing hinders a cancellation before the parcel is on its way.
        ("cancel", _refused("FAILED_PRECONDITION", "ORDER_STATE", status="CONFIRMED")),
        ("cancel", _refused("NOT_FOUND", "ORDER_NOT_FOUND")),
        ("ship", _refused("FAILED_PRECONDITION", "ORDER_STATE", status="CONFIRMED")),
        # Only payments that captured are refunded, and they stay so.
        ("refund", _refused("FAILED_PRECONDITION", "PAYMENT_STATE")),
        # More stock is never too little.
        ("adjust stock", _refused("FAILED_PRECONDITION", "INSUFFICIENT_STOCK")),
        ("set stock", _refused("VERSION_CONFLICT")),
        ("sign in", _refused("UNAUTHENTICATED", "TOKEN_INVALID")),
    ],
)
def test_anything_else_is_a_violation(operation: str, answer: Answer) -> None:
    assert len(strange(operation, answer)) == 1
    assert not is_repeatable(answer)


@pytest.mark.parametrize("code", ["SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED", "IDEMPOTENCY_IN_PROGRESS"])
def test_a_failure_is_repeated(code: str) -> None:
    assert is_repeatable(_refused(code, "PEER_UNAVAILABLE"))
