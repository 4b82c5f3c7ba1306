"""The errors that each operation may return during a fault run, whatever is killed, frozen or disconnected. Any other is a violation.

A rejection follows from a business rule and the state at that moment. A failure can be retried with the same idempotency key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.e2e.responses import Response

# No result, or not yet: the same call can be repeated safely.
RETRYABLE: Final = {"SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED"}
# Internal to the database; clients must never see it, whatever the code.
_NEVER: Final = "DATABASE_CONTENTION"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A code and its reason; `statuses`: of the order, as the error's details name it; any if empty."""

    code: str
    reason: str
    statuses: tuple[str, ...] = ()

    def matches(self, extensions: Mapping[str, Any]) -> bool:
        """Whether an error is this rejection."""
        return (
            (self.code, self.reason) == (extensions["code"], extensions.get("reason"))
            and (not self.statuses or extensions.get("status") in self.statuses)
        )  # fmt: skip


def _state(*statuses: str) -> Rejection:
    return Rejection("FAILED_PRECONDITION", "ORDER_STATE", statuses)


_REJECTIONS: Final[Mapping[str, Sequence[Rejection]]] = {
    "order": (Rejection("OUT_OF_STOCK", "OUT_OF_STOCK"),),
    # The cart has lines of an earlier order that was not paid, in another currency.
    "add to cart": (Rejection("BAD_USER_INPUT", "MIXED_CURRENCY"),),
    "read cart": (),
    "remove from cart": (),
    # An order that was not paid opened its cart again, into this one, while it was checked out.
    "check out": (
        Rejection("OUT_OF_STOCK", "OUT_OF_STOCK"),
        Rejection("FAILED_PRECONDITION", "CART_CHANGED"),
    ),
    # The order was cancelled before its payment was created.
    "start payment": (Rejection("FAILED_PRECONDITION", "PAYMENT_STATE"),),
    "cancel": (_state("SHIPPED", "DELIVERED"),),
    "ship": (_state("PENDING", "CANCELLED", "DELIVERED"),),
    "deliver": (_state("PENDING", "CONFIRMED", "CANCELLED"),),
    # A captured payment stays captured, so PAYMENT_STATE is not among them.
    "refund": (Rejection("FAILED_PRECONDITION", "REFUND_EXCEEDS_CAPTURE"),),
    "add stock": (Rejection("FAILED_PRECONDITION", "NOT_TRACKED"),),
    "remove stock": (
        Rejection("FAILED_PRECONDITION", "NOT_TRACKED"),
        Rejection("FAILED_PRECONDITION", "INSUFFICIENT_STOCK"),
    ),
    "set stock": (),
    "log in": (),
}


def is_retryable(response: Response) -> bool:
    """Whether to repeat the call."""
    return bool(response.errors) and all(
        error["extensions"]["code"] in RETRYABLE and error["extensions"].get("reason") != _NEVER
        for error in response.errors
    )


def unexpected_errors(operation: str, response: Response) -> list[str]:
    """The errors that the operation must not return; retryable ones are the caller's to sort out first."""
    return [
        f"{operation} returned {_name(error)}: {error['message']}"
        for error in response.errors
        if not any(rejection.matches(error["extensions"]) for rejection in _REJECTIONS[operation])
    ]


def error_names(response: Response) -> list[str]:
    """Code and reason of every error."""
    return [_name(error) for error in response.errors]


def _name(error: Mapping[str, Any]) -> str:
    code, reason = error["extensions"]["code"], error["extensions"].get("reason") or "?"
    status = error["extensions"].get("status")
    name = code if code == reason else f"{code}/{reason}"
    return f"{name} ({status})" if status else name
