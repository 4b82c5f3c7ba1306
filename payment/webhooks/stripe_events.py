"""Stripe's webhooks: verifies the signature and reads which intent, refund or setup changed."""

from typing import Any

import orjson
import stripe

from kit.values import IdKind
from payment.webhooks.domain import WebhookEvent
from payment.webhooks.errors import BadSignature, MalformedWebhook

# The inbox identifies events by UUIDs; this kind derives them from Stripe's ids.
_EVENT = IdKind("evt")
_TOLERANCE_SECONDS = 300


class StripeWebhooks:
    """`ports.WebhookParser` for Stripe."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def parse(self, body: bytes, signature: str) -> WebhookEvent:
        """Signatures are valid for five minutes. Events about other objects have no id."""
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._secret, _TOLERANCE_SECONDS)
            return _event(orjson.loads(body))
        except stripe.SignatureVerificationError as error:
            raise BadSignature() from error
        except ValueError as error:
            raise MalformedWebhook() from error


def _event(body: Any) -> WebhookEvent:
    match body:
        case {"id": str(event), "data": {"object": {"object": "payment_intent", "id": str(changed)}}}:
            declined = body.get("type") == "payment_intent.payment_failed"
            return WebhookEvent(_EVENT.derive("stripe", event), intent_id=changed, failed=declined)
        case {"id": str(event), "data": {"object": {"object": "refund", "id": str(changed), **refund}}}:
            failed = refund.get("status") == "failed"
            return WebhookEvent(_EVENT.derive("stripe", event), refund_id=changed, failed=failed)
        case {"id": str(event), "data": {"object": {"object": "setup_intent", "id": str(changed)}}}:
            return WebhookEvent(_EVENT.derive("stripe", event), setup_id=changed)
        case {"id": str(event), "data": {"object": {}}}:
            return WebhookEvent(_EVENT.derive("stripe", event))
    raise MalformedWebhook()
