"""The provider's webhooks. What they say is only a hint to look again, so order and repetition do not matter."""

from typing import Any

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from payment.errors import BadSignature, NoEvent
from payment.metrics import WEBHOOKS
from payment.provider import Stripe
from payment.refund_use_cases import Refunds
from payment.use_cases import Payments


def webhook_route(payments: Payments, refunds: Refunds, provider: Stripe) -> HTTPRouteHandler:
    """POST /webhooks/stripe."""

    @post("/webhooks/stripe", status_code=200)
    async def stripe_webhook(request: Request[Any, Any, Any]) -> Response[dict[str, bool]]:
        body = await request.body()
        try:
            hint = provider.hint(body, request.headers.get("stripe-signature", ""))
        except (BadSignature, NoEvent):
            WEBHOOKS.labels("refused").inc()
            raise
        ours = await (refunds if hint.refund_id else payments).provider_changed(hint)
        WEBHOOKS.labels("ours" if ours else "other").inc()
        return Response({"received": True})

    return stripe_webhook
