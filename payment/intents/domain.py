"""The provider's state of a payment. What follows from it is decided in `payments.domain`."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

# Declines of an intent, or of a setup, that a page confirms, so that a stolen list of cards cannot be tried on it.
MAX_DECLINES: Final = 10
# The public API's failure code of a payment that was declined so often, when the provider gives none.
EXHAUSTED_CODE: Final = "card_declined"


class Confirmation(StrEnum):
    """Who confirms an intent, which charges it."""

    # We do, with the order's payment method. A decline is final.
    SERVER = "SERVER"
    # The buyer's page does, with the intent's client secret, and may do so again after a decline.
    CLIENT = "CLIENT"


class IntentStatus(StrEnum):
    """The status of the provider's intent."""

    # New: confirming it charges.
    READY = "READY"
    DECLINED = "DECLINED"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Intent:
    """The provider's state of a payment; `failure_code` is the public API's, set only when DECLINED.

    `declines` is the number of declined charges, read only for an intent that a page confirms.
    `client_secret` is sealed: a page that has the secret can confirm the intent.
    """

    id: str
    status: IntentStatus
    failure_code: str = ""
    next_action_url: str = ""
    client_secret: bytes = field(default=b"", repr=False)
    declines: int = 0

    def is_exhausted(self, declines: int) -> bool:
        """Whether it was declined too often; `declines` were reported by webhooks.

        The provider counts no failed authentications as charges, and a webhook may be late or lost: the larger number holds.
        """
        return max(self.declines, declines) >= MAX_DECLINES
