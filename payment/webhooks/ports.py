"""What webhooks need: a parser that verifies signatures, a store, and the refunds."""

from datetime import datetime
from typing import Protocol

from payment.payments.refund import RefundStatus
from payment.webhooks.domain import WebhookEvent


class WebhookParser(Protocol):
    """Reads webhooks of the provider."""

    def parse(self, body: bytes, signature: str) -> WebhookEvent:
        """Raises BadSignature unless the provider signed it recently, MalformedWebhook if it is not an event."""


class WebhookStore(Protocol):
    """Makes rows due. An event that was recorded before has no effect."""

    async def intent_changed(self, event: WebhookEvent, now: datetime) -> bool:
        """Makes the open payment of an intent due; returns whether it did."""

    async def setup_changed(self, event: WebhookEvent, now: datetime) -> bool:
        """Makes the method that a page saves due; returns whether it did."""

    async def refund_changed(self, event: WebhookEvent, now: datetime) -> RefundStatus | None:
        """Makes a pending refund due; returns its status if it did or if the refund is settled."""


class Refunds(Protocol):
    """`refunds.use_cases.Refunds`."""

    async def returned_by_bank(self, provider_id: str) -> None:
        """Reads the state of a successful refund again."""
