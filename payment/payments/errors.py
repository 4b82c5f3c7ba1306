"""Errors of payments.

SoukError
|- NotFound
|  '- PaymentNotFound       the payment does not exist or belongs to another account
'- FailedPrecondition
   |- NothingCaptured       the payment has no captured money to refund
   '- RefundExceedsCapture  the refund is larger than what is left of the capture
"""

from typing import Self

from kit.errors import FailedPrecondition, NotFound, Violation
from kit.values import Money


class PaymentNotFound(NotFound):
    """The payment does not exist or belongs to another account; the error does not say which."""

    reason = "PAYMENT_NOT_FOUND"
    default_message = "payment not found"


class NothingCaptured(FailedPrecondition):
    """The payment has captured no money; the message names its status."""

    reason = "PAYMENT_STATE"


class RefundExceedsCapture(FailedPrecondition):
    """The refund is larger than what is left of the capture, minus pending refunds; details name what is left."""

    reason = "REFUND_EXCEEDS_CAPTURE"

    @classmethod
    def of(cls, left: Money) -> Self:
        """With what is left to refund."""
        details = {"refundable": left.text()}
        if not left.minor:
            return cls("nothing is left to refund", details=details)
        rule = f"must not exceed what is left: {left.text()}"
        return cls(f"amount: {rule}", fields=[Violation(("amount",), rule)], details=details)
