"""Subscriptions."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

import strawberry

from gateway.context import Info
from gateway.resolvers.arguments import OrderId
from gateway.types.order import Order
from kit.errors import SoukError, is_transient

# Bounds the delay of a change whose event was lost.
_POLL_SECONDS: Final = 15.0
_RETRY_SECONDS: Final = 1.0


@strawberry.type(description="All subscriptions, over graphql-transport-ws or text/event-stream.")
class Subscription:
    """Subscriptions end when the token is revoked."""

    @strawberry.subscription(
        description="Owner or ADMIN. The order now, and again after every change; versions only increase. Quick successive changes may "
        "arrive as one; the last always arrives. Where the page confirms the payment, the order also arrives, with its version "
        "unchanged, when the payment waits for the buyer: first, and after a decline. The token comes in connection_init, or in the "
        "request's Authorization header."
    )
    async def order_updated(self, info: Info, id: OrderId) -> AsyncGenerator[Order | None]:
        """Reads the order again whenever it may have changed, with the caller's current permissions."""
        context = info.context
        version, payment_changed = 0, False
        with context.updates.watch(id) as changed:
            while True:
                payment_changed |= changed.payment
                changed.clear()
                wait = _POLL_SECONDS
                try:
                    order = await context.peers.order.get(id)
                except SoukError as error:
                    if not version or not is_transient(error):
                        raise
                    wait = _RETRY_SECONDS
                else:
                    if order.version > version or (payment_changed and order.version == version):
                        version, payment_changed = order.version, False
                        context.clear_loaders()
                        yield order
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), wait)
