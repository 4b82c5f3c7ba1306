"""Errors of starting a payment.

SoukError
|- FailedPrecondition
|  '- NotConfirmedByPage   the server confirms the payment
'- Unavailable
   '- PaymentNotReady      the payment has no client secret yet
"""

from kit.errors import FailedPrecondition, Unavailable


class NotConfirmedByPage(FailedPrecondition):
    """The order was placed without confirmation CLIENT, so the server confirms its payment."""

    reason = "PAYMENT_STATE"
    default_message = (
        "the payment is confirmed by the server: only orders with confirmation CLIENT are started"
    )


class PaymentNotReady(Unavailable):
    """The order's event has not arrived yet, or the provider does not respond; the same call may succeed later."""

    reason = "PAYMENT_NOT_READY"
    default_message = "the payment is not ready yet; try again"
