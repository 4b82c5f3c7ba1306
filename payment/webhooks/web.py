"""The HTTP route of the provider's webhooks."""

from typing import Any

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from payment.metrics import WEBHOOKS
from payment.webhooks.errors import BadSignature, MalformedWebhook
from payment.webhooks.ports import WebhookParser
from payment.webhooks.use_cases import Webhooks


def webhook_route(webhooks: Webhooks, parser: WebhookParser) -> HTTPRouteHandler:
    """POST /webhooks/stripe."""

    @post("/webhooks/stripe", status_code=200)
    async def stripe_webhook(request: Request[Any, Any, Any]) -> Response[dict[str, bool]]:
        body = await request.body()
        try:
            event = parser.parse(body, request.headers.get("stripe-signature", ""))
        except (BadSignature, MalformedWebhook):
            WEBHOOKS.labels("rejected").inc()
            raise
        applied = await webhooks.receive(event)
        WEBHOOKS.labels("applied" if applied else "ignored").inc()
        return Response({"received": True})

    return stripe_webhook
