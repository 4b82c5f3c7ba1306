"""A webhook only makes a payment, refund or saved method due; the worker reads its state from the provider.

So the order of webhooks does not matter, and they may be repeated.
"""

from kit.values import Clock
from payment.payments.refund import RefundStatus
from payment.webhooks.domain import WebhookEvent
from payment.webhooks.ports import Refunds, WebhookStore


class Webhooks:
    """Receives webhooks."""

    def __init__(self, store: WebhookStore, refunds: Refunds, *, clock: Clock) -> None:
        self._store = store
        self._refunds = refunds
        self._clock = clock

    async def receive(self, event: WebhookEvent) -> bool:
        """Returns whether something open became due; not for repeated events and for objects unknown here."""
        if event.refund_id:
            return await self._refund_changed(event)
        if event.setup_id:
            return await self._store.setup_changed(event, self._clock())
        return bool(event.intent_id) and await self._store.intent_changed(event, self._clock())

    async def _refund_changed(self, event: WebhookEvent) -> bool:
        status = await self._store.refund_changed(event, self._clock())
        if event.failed and status is RefundStatus.SUCCEEDED:
            await self._refunds.returned_by_bank(event.refund_id)
        return status is RefundStatus.PENDING
