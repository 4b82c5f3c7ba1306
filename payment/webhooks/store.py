"""Makes the payment, refund or saved method of a webhook due and records the event in the inbox."""

from datetime import datetime

from kit.db import Database
from payment.payments.refund import RefundStatus
from payment.webhooks.domain import WebhookEvent

# provider_id <> '' repeats the partial index's predicate, which the planner cannot infer from $1. Only open rows get an inbox entry.
_RECORD_WEBHOOK = """
WITH open AS (
    SELECT id FROM {table} WHERE provider_id = $1 AND provider_id <> '' AND due_time IS NOT NULL
), recorded AS (
    INSERT INTO inbox (consumer, event_id) SELECT 'stripe', $3::uuid FROM open ON CONFLICT DO NOTHING RETURNING event_id
), changed AS (
    UPDATE {table} SET due_time = least(due_time, $2){counted}
    WHERE id IN (SELECT id FROM open) AND due_time IS NOT NULL AND EXISTS (SELECT FROM recorded)
    RETURNING id
)
SELECT {status} FROM {table} WHERE provider_id = $1 AND provider_id <> '' AND ({settled} OR EXISTS (SELECT FROM changed))
"""
_INTENT_CHANGED = _RECORD_WEBHOOK.format(
    table="payments", settled="false", counted=", declines = declines + $4::int", status="status"
)
_REFUND_CHANGED = _RECORD_WEBHOOK.format(
    table="refunds", settled="due_time IS NULL", counted="", status="status"
)
_SETUP_CHANGED = _RECORD_WEBHOOK.format(table="saved_methods", settled="false", counted="", status="state")


class PostgresWebhookStore:
    """`ports.WebhookStore` on PostgreSQL; each method is one statement, so the event is recorded with its effect or not at all."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def intent_changed(self, event: WebhookEvent, now: datetime) -> bool:
        """Makes the open payment of an intent due, and counts a decline."""
        arguments = (event.intent_id, now, event.event_id, int(event.failed))
        return await self._db.fetchval(_INTENT_CHANGED, *arguments) is not None

    async def setup_changed(self, event: WebhookEvent, now: datetime) -> bool:
        """Makes the method that a page saves due."""
        return await self._db.fetchval(_SETUP_CHANGED, event.setup_id, now, event.event_id) is not None

    async def refund_changed(self, event: WebhookEvent, now: datetime) -> RefundStatus | None:
        """Makes a pending refund due."""
        status = await self._db.fetchval(_REFUND_CHANGED, event.refund_id, now, event.event_id)
        return RefundStatus(status) if status else None
