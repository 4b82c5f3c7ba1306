"""The payment service's own errors.

SoukError
|- NotFound
|  '- PaymentNotFound       absent, or not the caller's
|- FailedPrecondition
|  |- NothingCaptured       there is no money to give back
|  |- RefundExceedsCapture  more than is left of it
|  '- ProviderRefused       the provider answered that it will never do this
|- Aborted
|  '- IdempotencyConflict   the key was used with other input
|- InvalidArgument
|  '- NoEvent               a webhook that is signed and makes no sense
|- Unauthenticated
|  '- BadSignature          a webhook that the provider did not sign
'- Unavailable
   |- ProviderUnavailable   not reached, or busy: the same call may be repeated
   '- ProviderFailed        it answered with a failure of its own: what happened must be read back first
"""

from kit.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound, Unauthenticated, Unavailable


class PaymentNotFound(NotFound):
    """The payment does not exist, or is not the caller's: the two look alike."""

    reason = "PAYMENT_NOT_FOUND"
    default_message = "no such payment"


class NothingCaptured(FailedPrecondition):
    """The payment has captured nothing; the message names its status."""

    reason = "PAYMENT_STATE"


class RefundExceedsCapture(FailedPrecondition):
    """More is asked for than is left of the capture, refunds under way counted in; details name what is left."""

    reason = "REFUND_EXCEEDS_CAPTURE"


class ProviderRefused(FailedPrecondition):
    """The provider will not do this, however often it is asked; `code` is its reason."""

    reason = "PROVIDER_REFUSED"
    default_message = "the payment provider refuses this"

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


class IdempotencyConflict(Aborted):
    """The idempotency key was used before, with other input."""

    reason = "IDEMPOTENCY_CONFLICT"
    default_message = "this idempotency key was used with other input"


class BadSignature(Unauthenticated):
    """The webhook's signature is missing, wrong or too old."""

    reason = "BAD_SIGNATURE"
    default_message = "the signature is not valid"


class NoEvent(InvalidArgument):
    """The webhook's body is not an event of the provider's."""

    reason = "NO_EVENT"
    default_message = "the body is not an event"


class ProviderUnavailable(Unavailable):
    """The provider was not reached in time, or works on the same call already."""

    reason = "PROVIDER_UNAVAILABLE"
    default_message = "the payment provider does not answer"


class ProviderFailed(Unavailable):
    """The provider answered 5xx. It keeps that answer under the call's key, so the next try needs another."""

    reason = "PROVIDER_FAILED"
    default_message = "the payment provider failed"
