"""Delivers an event to its handler, as the consumer does."""

from collections.abc import Sequence
from typing import Any

from account.tests.fakes import World
from kit.events import Event, Subscription
from kit.values import PRODUCT, utc_now


async def consume(world: World, subscriptions: Sequence[Subscription], message: Any) -> Event[Any]:
    event = Event(PRODUCT.new(), message.DESCRIPTOR.full_name, "key", utc_now(), message, "", {})
    handlers: list[Any] = [
        subscription.handlers[type(message)]
        for subscription in subscriptions
        if type(message) in subscription.handlers
    ]
    async with world.db.transaction() as tx:
        await handlers[0](tx, event)
    return event
