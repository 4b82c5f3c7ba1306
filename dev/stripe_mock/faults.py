"""Fault injection: POST /mock/faults with one of these; each affects the next `count` (default 1) calls, refunds or webhooks.

{"status": 500, "after": false, "operation": "refund"}: calls fail with that HTTP status, or their connection is closed (status 0), before
or after they take effect.
{"code": "amount_too_small", "operation": "create"}: calls are rejected as invalid with that Stripe error code.
{"refunds": "failed"}: refunds are pending at first and then become succeeded or failed.
{"webhooks": "duplicated"}: webhooks are duplicated, reordered (delivered seconds after later ones) or lost.
{"keys": "forgotten"}: all idempotency keys expire, as at Stripe after a day.

Operations are create, confirm, cancel and refund; by default any. A new fault replaces the previous one of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

OPERATIONS: Final = ("create", "confirm", "cancel", "refund")
_REFUNDS: Final = ("succeeded", "failed")
_WEBHOOKS: Final = ("duplicated", "reordered", "lost")


@dataclass(slots=True)
class Faults:
    """A fault of the next `count` calls."""

    count: int = 0
    status: int = 500
    after: bool = False
    operation: str = ""
    code: str = ""

    @classmethod
    def parse(cls, request: Mapping[str, Any]) -> Faults:
        """Raises ValueError for an unknown operation."""
        operation = request.get("operation", "")
        return cls(
            int(request.get("count", 1)),
            int(request.get("status", 400 if "code" in request else 500)),
            bool(request.get("after")),
            _one_of(OPERATIONS, operation) if operation else "",
            request.get("code", ""),
        )

    def take(self, operation: str) -> bool:
        """Whether this call gets the fault; counts it."""
        if self.count <= 0 or self.operation not in ("", operation):
            return False
        self.count -= 1
        return True


@dataclass(slots=True)
class NextFault:
    """What happens to the next `count` refunds or webhooks."""

    effect: str = ""
    count: int = 0

    @classmethod
    def parse(cls, kind: str, request: Mapping[str, Any]) -> NextFault:
        """`kind`: refunds or webhooks. Raises ValueError for an unknown effect."""
        return cls(
            _one_of(_REFUNDS if kind == "refunds" else _WEBHOOKS, request[kind]), int(request.get("count", 1))
        )

    def take(self) -> str:
        """The effect on this one; empty if there is none."""
        if self.count <= 0:
            return ""
        self.count -= 1
        return self.effect


def operation_of(path: str) -> str:
    """The operation of a path; empty if it is none of OPERATIONS."""
    match path.strip("/").split("/"):
        case ["v1", "payment_intents"]:
            return "create"
        case ["v1", "payment_intents", _, ("confirm" | "cancel") as operation]:
            return operation
        case ["v1", "refunds"]:
            return "refund"
    return ""


def _one_of(valid: tuple[str, ...], value: Any) -> str:
    if value not in valid:
        raise ValueError(f"{value} is none of {', '.join(valid)}")
    return str(value)
