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


_OUT_OF_STOCK: Final = Rejection("OUT_OF_STOCK", "OUT_OF_STOCK")
_MIXED_CURRENCY: Final = Rejection("BAD_USER_INPUT", "MIXED_CURRENCY")
_CART_CHANGED: Final = Rejection("FAILED_PRECONDITION", "CART_CHANGED")
_NOT_TRACKED: Final = Rejection("FAILED_PRECONDITION", "NOT_TRACKED")
_GONE: Final = Rejection("NOT_FOUND", "PRODUCT_NOT_FOUND")
_VARIANT_GONE: Final = Rejection("NOT_FOUND", "VARIANT_NOT_FOUND")
_MERGED: Final = (
    _CART_CHANGED,
    Rejection("NOT_FOUND", "CART_NOT_FOUND"),
    Rejection("UNAUTHENTICATED", "TOKEN_INVALID"),
)

_REJECTIONS: Final[Mapping[str, Sequence[Rejection]]] = {
    "order": (_OUT_OF_STOCK,),
    # The cart has lines of an earlier order that was not paid, in another currency.
    "add to cart": (_MIXED_CURRENCY,),
    "read cart": (),
    "remove from cart": (),
    # Variants are deleted, and cost more or less, while they are sold.
    "order with variants": (_OUT_OF_STOCK, _GONE),
    "add to cart with variants": (_MIXED_CURRENCY, _GONE),
    "check out with variants": (
        _OUT_OF_STOCK,
        _CART_CHANGED,
        Rejection("PRICE_CHANGED", "PRICE_CHANGED"),
        Rejection("FAILED_PRECONDITION", "CART_INCOMPLETE"),
    ),
    "declare variants": (),
    "update variant": (_VARIANT_GONE,),
    # It was deleted before; the id of a first variant may name its product.
    "set stock of variant": (_GONE, _VARIANT_GONE),
    "add stock of variant": (_GONE, _VARIANT_GONE, _NOT_TRACKED),
    "start guest": (),
    "introduce": (),
    # The response to an earlier try was lost: the guest is registered, and its session has ended.
    "register": (
        Rejection("ALREADY_EXISTS", "EMAIL_TAKEN"),
        Rejection("BAD_USER_INPUT", "GUEST_ONLY"),
    ),
    "merge carts": (),
    "open link": (),
    # The cart is the account's from then on, and the guest's session has ended.
    "check out while merging": (*_MERGED, _OUT_OF_STOCK),
    "check out while merging with variants": (
        *_MERGED,
        _OUT_OF_STOCK,
        Rejection("PRICE_CHANGED", "PRICE_CHANGED"),
        Rejection("FAILED_PRECONDITION", "CART_INCOMPLETE"),
    ),
    # Another tab changed it, or an order that was not paid opened its cart again, into this one.
    "check out": (_OUT_OF_STOCK, _CART_CHANGED),
    # The order was cancelled before its payment was created.
    "start payment": (Rejection("FAILED_PRECONDITION", "PAYMENT_STATE"),),
    "cancel": (_state("SHIPPED", "DELIVERED"),),
    "ship": (_state("PENDING", "CANCELLED", "DELIVERED"),),
    "deliver": (_state("PENDING", "CONFIRMED", "CANCELLED"),),
    # A captured payment stays captured, so PAYMENT_STATE is not among them.
    "refund": (Rejection("FAILED_PRECONDITION", "REFUND_EXCEEDS_CAPTURE"),),
    "add stock": (_NOT_TRACKED,),
    "remove stock": (
        _NOT_TRACKED,
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
