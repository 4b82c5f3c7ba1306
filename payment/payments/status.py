"""The status of a payment."""

from enum import StrEnum


class PaymentStatus(StrEnum):
    """The status of a payment. How much was refunded follows from its refunds."""

    PROCESSING = "PROCESSING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_open(self) -> bool:
        """Whether the provider may still charge."""
        return self in (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION)
