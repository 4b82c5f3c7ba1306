"""Errors of the payment provider.

SoukError
|- FailedPrecondition
|  '- ProviderRejected     the provider will never accept this call
'- Unavailable
   |- ProviderUnavailable  not reached, or busy: the same call may be repeated
   '- ProviderFailed       the provider failed: its state must be read before anything is repeated
"""

from kit.errors import FailedPrecondition, Unavailable


class ProviderRejected(FailedPrecondition):
    """The provider will never accept this call; `code` is its reason."""

    reason = "PROVIDER_REFUSED"
    default_message = "the payment provider rejected the request"

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


class ProviderUnavailable(Unavailable):
    """The provider was not reached in time, or is already processing the same call."""

    reason = "PROVIDER_UNAVAILABLE"
    default_message = "the payment provider is unavailable"


class ProviderFailed(Unavailable):
    """The provider responded with 5xx. It stores that response under the idempotency key, so the next attempt needs a new key."""

    reason = "PROVIDER_FAILED"
    default_message = "the payment provider failed"
