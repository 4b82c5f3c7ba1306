"""Stripe's error responses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class ApiError(Exception):
    """An error response: HTTP status and Stripe's error object."""

    status: int
    error: Mapping[str, Any]


def invalid(message: str, param: str = "", code: str = "parameter_invalid", status: int = 400) -> ApiError:
    """Stripe's error for an invalid request."""
    error = {"type": "invalid_request_error", "code": code, "message": message}
    return ApiError(status, {**error, **({"param": param} if param else {})})


def card_error(code: str, param: str, message: str) -> ApiError:
    """Stripe's error for a card that cannot be right."""
    return ApiError(402, {"type": "card_error", "code": code, "param": param, "message": message})


def unexpected_state(intent: Mapping[str, Any], verb: str) -> ApiError:
    """The intent's status does not allow it; the error carries the intent."""
    kind = intent["object"]
    name = {"payment_intent": "PaymentIntent", "setup_intent": "SetupIntent"}[kind]
    message = f"You cannot {verb} this {name} because it has a status of {intent['status']}."
    error = invalid(message, code=f"{kind}_unexpected_state")
    return ApiError(400, {**error.error, kind: intent})
