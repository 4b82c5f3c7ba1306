"""The errors that count as rejections, as retryable and as violations."""

from typing import Any

import pytest

from tests.e2e.responses import Response
from tests.faults.allowed import is_retryable, unexpected_errors


def _error(code: str, reason: str = "", **details: Any) -> Response:
    extensions = {"code": code, "reason": reason or code, **details}
    return Response(200, None, ({"message": "no", "extensions": extensions},))


@pytest.mark.parametrize(
    ("operation", "response"),
    [
        ("order", Response(200, {}, ())),
        ("order", _error("OUT_OF_STOCK")),
        ("add to cart", _error("BAD_USER_INPUT", "MIXED_CURRENCY")),
        ("check out", _error("OUT_OF_STOCK")),
        ("check out", _error("FAILED_PRECONDITION", "CART_CHANGED")),
        ("check out with variants", _error("PRICE_CHANGED")),
        ("check out with variants", _error("FAILED_PRECONDITION", "CART_INCOMPLETE")),
        ("add to cart with variants", _error("NOT_FOUND", "PRODUCT_NOT_FOUND")),
        ("set stock of variant", _error("NOT_FOUND", "VARIANT_NOT_FOUND")),
        ("register", _error("ALREADY_EXISTS", "EMAIL_TAKEN")),
        ("check out while merging", _error("UNAUTHENTICATED", "TOKEN_INVALID")),
        ("cancel", _error("FAILED_PRECONDITION", "ORDER_STATE", status="SHIPPED")),
        ("ship", _error("FAILED_PRECONDITION", "ORDER_STATE", status="PENDING")),
        ("refund", _error("FAILED_PRECONDITION", "REFUND_EXCEEDS_CAPTURE")),
        ("remove stock", _error("FAILED_PRECONDITION", "INSUFFICIENT_STOCK")),
    ],
)
def test_a_business_rule_may_reject_a_call(operation: str, response: Response) -> None:
    assert unexpected_errors(operation, response) == []
    assert not is_retryable(response)


@pytest.mark.parametrize(
    ("operation", "response"),
    [
        ("order", _error("FAILED_PRECONDITION", "DATABASE_CONTENTION")),
        ("order", _error("SERVICE_UNAVAILABLE", "DATABASE_CONTENTION")),
        ("order", _error("FAILED_PRECONDITION", "ORDER_STATE", status="SHIPPED")),
        ("order", _error("IDEMPOTENCY_CONFLICT")),
        ("order", _error("INTERNAL")),
        ("check out", _error("PRICE_CHANGED")),
        ("check out", _error("FAILED_PRECONDITION", "CART_INCOMPLETE")),
        ("check out with variants", _error("FAILED_PRECONDITION", "CART_EMPTY")),
        ("add to cart", _error("NOT_FOUND", "PRODUCT_NOT_FOUND")),
        # Merging can be repeated, and a mailed link works for 30 days.
        ("merge carts", _error("BAD_USER_INPUT", "GUEST_ONLY")),
        ("open link", _error("UNAUTHENTICATED", "TOKEN_INVALID")),
        # An order that is not shipped can always be cancelled.
        ("cancel", _error("FAILED_PRECONDITION", "ORDER_STATE", status="CONFIRMED")),
        ("cancel", _error("NOT_FOUND", "ORDER_NOT_FOUND")),
        ("ship", _error("FAILED_PRECONDITION", "ORDER_STATE", status="CONFIRMED")),
        # Only captured payments are refunded, and they stay captured.
        ("refund", _error("FAILED_PRECONDITION", "PAYMENT_STATE")),
        # Adding stock cannot make it insufficient.
        ("add stock", _error("FAILED_PRECONDITION", "INSUFFICIENT_STOCK")),
        ("set stock", _error("VERSION_CONFLICT")),
        ("log in", _error("UNAUTHENTICATED", "TOKEN_INVALID")),
    ],
)
def test_any_other_error_is_a_violation(operation: str, response: Response) -> None:
    assert len(unexpected_errors(operation, response)) == 1
    assert not is_retryable(response)


@pytest.mark.parametrize("code", ["SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED"])
def test_a_failure_is_retried(code: str) -> None:
    assert is_retryable(_error(code, "PEER_UNAVAILABLE"))
