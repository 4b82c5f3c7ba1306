"""What can be listened to."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

import strawberry

from gateway.context import Info
from gateway.schema.order import Order
from gateway.schema.root import OrderId
from kit.errors import SoukError, is_transient

# Whatever goes missing on the way is seen by then: the last change always arrives.
_LOOK_SECONDS: Final = 15.0
_AGAIN_SECONDS: Final = 1.0


@strawberry.type(description="What can be listened to, over graphql-transport-ws or text/event-stream.")
class Subscription:
    """What can be listened to."""

    @strawberry.subscription(
        description="Owner or ADMIN. The order now, then after every change, its version never falling; changes in quick "
        "succession may arrive as one, the last always arrives. The token comes in connection_init, or in the request's Authorization."
    )
    async def order_updated(self, info: Info, id: OrderId) -> AsyncGenerator[Order | None]:
        """Reads the order anew whenever it may have changed, as the caller who still must be allowed to."""
        context = info.context
        version = 0
        with context.updates.watch(id) as changed:
            while True:
                changed.clear()
                wait = _LOOK_SECONDS
                try:
                    order = await context.peers.order.get(id)
                except SoukError as error:
                    if not version or not is_transient(error):
                        raise
                    wait = _AGAIN_SECONDS
                else:
                    if order.version > version:
                        version = order.version
                        context.forget()
                        yield order
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), wait)
