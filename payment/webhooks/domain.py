"""A webhook of the provider."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """The provider's id of the intent, refund or setup that changed; all ids are empty for other objects.

    `failed`: a refund that failed, or an intent whose charge was declined.
    """

    event_id: UUID
    intent_id: str = ""
    refund_id: str = ""
    setup_id: str = ""
    failed: bool = False
