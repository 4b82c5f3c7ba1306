"""What goes wrong on request: POST /mock/faults with one of these, each for the next `count` (1) times.

{"status": 500, "after": false, "operation": "refund"}: calls fail with that HTTP status, or are cut off (status 0), before or after their
effect.
{"code": "amount_too_small", "operation": "create"}: calls are rejected as invalid, with that code of Stripe's.
{"refunds": "failed"}: refunds are pending first and end as this: succeeded, failed.
{"webhooks": "duplicated"}: webhooks are delivered twice, or reordered (after those that follow within seconds), or lost.
{"keys": "forgotten"}: the answers under all idempotency keys are forgotten, as Stripe does after a day.

Operations are create, confirm, cancel and refund; without one, any. A new fault of calls, refunds or webhooks replaces the one before.
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
    """What the next calls suffer."""

    count: int = 0
    status: int = 500
    after: bool = False
    operation: str = ""
    code: str = ""

    @classmethod
    def read(cls, wanted: Mapping[str, Any]) -> Faults:
        """What was asked for; raises ValueError on an operation that there is not."""
        operation = wanted.get("operation", "")
        return cls(
            int(wanted.get("count", 1)),
            int(wanted.get("status", 400 if "code" in wanted else 500)),
            bool(wanted.get("after")),
            _one_of(OPERATIONS, operation) if operation else "",
            wanted.get("code", ""),
        )

    def take(self, operation: str) -> bool:
        """Whether this call is to have it."""
        if self.count <= 0 or self.operation not in ("", operation):
            return False
        self.count -= 1
        return True


@dataclass(slots=True)
class Next:
    """Something that happens to the next `count` of a kind."""

    what: str = ""
    count: int = 0

    @classmethod
    def read(cls, what: str, wanted: Mapping[str, Any]) -> Next:
        """What was asked for; raises ValueError on what there is not."""
        return cls(
            _one_of(_REFUNDS if what == "refunds" else _WEBHOOKS, wanted[what]), int(wanted.get("count", 1))
        )

    def take(self) -> str:
        """What happens to this one; empty: nothing."""
        if self.count <= 0:
            return ""
        self.count -= 1
        return self.what


def operation_of(path: str) -> str:
    """What a call does, by its path; empty when it is none of OPERATIONS."""
    match path.strip("/").split("/"):
        case ["v1", "payment_intents"]:
            return "create"
        case ["v1", "payment_intents", _, ("confirm" | "cancel") as operation]:
            return operation
        case ["v1", "refunds"]:
            return "refund"
    return ""


def _one_of(known: tuple[str, ...], given: Any) -> str:
    if given not in known:
        raise ValueError(f"{given} is none of {', '.join(known)}")
    return str(given)
