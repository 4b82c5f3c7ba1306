"""A webhook of the provider."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """The provider's id of the intent or refund that changed; the other id is empty, or both.

    `failed`: a refund that failed, or an intent whose charge was declined.
    """

    event_id: UUID
    intent_id: str = ""
    refund_id: str = ""
    failed: bool = False
