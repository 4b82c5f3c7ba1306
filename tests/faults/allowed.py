"""What each operation may answer in a storm: nothing else, whatever is killed, frozen or cut off.

A refusal is a rule of the shop's that the state at that moment makes true. A failure may be repeated under the same key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.e2e.shop import Answer

# Not answered, or not now: the same call is safe to repeat.
REPEATABLE: Final = {"SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED", "IDEMPOTENCY_IN_PROGRESS"}
# The database's own business, which no client is to see under any code.
_NEVER: Final = "DATABASE_CONTENTION"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A code with its reason; `statuses`: of the order that was refused, as the error's details name it."""

    code: str
    reason: str
    statuses: tuple[str, ...] = ()

    def matches(self, extensions: Mapping[str, Any]) -> bool:
        """Whether an error is this."""
        return (
            (self.code, self.reason) == (extensions["code"], extensions.get("reason"))
            and (not self.statuses or extensions.get("status") in self.statuses)
        )  # fmt: skip


def _state(*statuses: str) -> Refusal:
    return Refusal("FAILED_PRECONDITION", "ORDER_STATE", statuses)


_REFUSALS: Final[Mapping[str, Sequence[Refusal]]] = {
    "order": (Refusal("OUT_OF_STOCK", "OUT_OF_STOCK"),),
    "cancel": (_state("SHIPPED", "DELIVERED"),),
    "ship": (_state("PENDING", "CANCELLED", "DELIVERED"),),
    "deliver": (_state("PENDING", "CONFIRMED", "CANCELLED"),),
    # A payment that has captured once stays so: PAYMENT_STATE is not among them.
    "refund": (Refusal("FAILED_PRECONDITION", "REFUND_EXCEEDS_CAPTURE"),),
    "adjust stock": (Refusal("FAILED_PRECONDITION", "NOT_TRACKED"),),
    "take stock": (
        Refusal("FAILED_PRECONDITION", "NOT_TRACKED"),
        Refusal("FAILED_PRECONDITION", "INSUFFICIENT_STOCK"),
    ),
    "set stock": (),
    "sign in": (),
}


def is_repeatable(answer: Answer) -> bool:
    """Whether it is to be asked again."""
    return bool(answer.errors) and all(
        error["extensions"]["code"] in REPEATABLE and error["extensions"].get("reason") != _NEVER
        for error in answer.errors
    )


def strange(operation: str, answer: Answer) -> list[str]:
    """Errors that the operation may not answer, repeatable ones aside."""
    return [
        f"{operation} was answered {_named(error)}: {error['message']}"
        for error in answer.errors
        if not any(refusal.matches(error["extensions"]) for refusal in _REFUSALS[operation])
    ]


def refusals(answer: Answer) -> list[str]:
    """Code and reason of each error."""
    return [_named(error) for error in answer.errors]


def _named(error: Mapping[str, Any]) -> str:
    code, reason = error["extensions"]["code"], error["extensions"].get("reason") or "?"
    status = error["extensions"].get("status")
    named = code if code == reason else f"{code}/{reason}"
    return f"{named} ({status})" if status else named
