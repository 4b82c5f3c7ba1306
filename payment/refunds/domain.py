"""A request to refund."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A validated request of an ADMIN; without an amount: all that is left. `request_id` is the idempotency key."""

    payment_id: UUID
    amount: Decimal | None
    reason: str
    request_id: str
