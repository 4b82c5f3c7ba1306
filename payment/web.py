"""The provider's webhooks. What they say is only a hint to look again, so order and repetition do not matter."""

from typing import Any

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from payment.errors import BadSignature
from payment.metrics import WEBHOOKS
from payment.provider import Stripe
from payment.use_cases import Payments


def webhook_route(payments: Payments, provider: Stripe) -> HTTPRouteHandler:
    """POST /webhooks/stripe."""

    @post("/webhooks/stripe", status_code=200)
    async def stripe_webhook(request: Request[Any, Any, Any]) -> Response[dict[str, bool]]:
        body = await request.body()
        try:
            intent_id = provider.changed_intent(body, request.headers.get("stripe-signature", ""))
        except BadSignature:
            WEBHOOKS.labels("refused").inc()
            raise
        ours = bool(intent_id) and await payments.provider_changed(intent_id)
        WEBHOOKS.labels("ours" if ours else "other").inc()
        return Response({"received": True})

    return stripe_webhook
