"""The provider's state of a payment. What follows from it is decided in `payments.domain`."""

from dataclasses import dataclass, field
from enum import StrEnum


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

    `client_secret` is sealed: a page that has the secret can confirm the intent.
    """

    id: str
    status: IntentStatus
    failure_code: str = ""
    next_action_url: str = ""
    client_secret: bytes = field(default=b"", repr=False)
