"""The order service's subscriptions on fakes."""

from typing import Any

from souk.payment.v1 import payment_pb2

from kit.auth import Principal
from kit.events import AdminActed, Event, PreparedHandler
from kit.testing.principals import customer
from kit.values import ORDER, PRODUCT, money_to_proto, utc_now
from order.closed_accounts.consumers import AccountEvents
from order.orders.consumers import PaymentEvents
from order.orders.domain import Order
from order.tests.shop import Shop


class Listening(Shop):
    """The subscriptions, called as kit.events calls them."""

    def __init__(self) -> None:
        super().__init__()
        subscriptions = (
            PaymentEvents(self.orders).subscription(),
            AccountEvents(self.closed_accounts).subscription(),
        )
        self.on = {
            kind: reaction
            for subscription in subscriptions
            for kind, reaction in subscription.handlers.items()
        }

    async def pending(self, caller: Principal | None = None) -> Order:
        return await self.place(caller or customer(), 2)

    async def hears(self, body: Any) -> None:
        event = Event(PRODUCT.new(), body.DESCRIPTOR.full_name, "pay_1", utc_now(), body, "", {})
        reaction: Any = self.on[type(body)]
        if isinstance(reaction, PreparedHandler):
            prepared = await reaction.prepare(event)
            async with self.db.transaction() as tx:
                await reaction.apply(tx, event, prepared)
        else:
            async with self.db.transaction() as tx:
                await reaction(tx, event)

    def facts(self) -> list[Any]:
        return [fact for fact in self.db.events if not isinstance(fact, AdminActed)]


def payment(order: Order, **fields: Any) -> payment_pb2.Payment:
    return payment_pb2.Payment(order_id=ORDER.format(order.id), amount=money_to_proto(order.total), **fields)
