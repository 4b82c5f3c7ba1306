"""The order service's subscriptions on fakes."""

from typing import Any

from souk.payment.v1 import payment_pb2

from kit.auth import Principal
from kit.events import AdminActed, Event, PreparedHandler
from kit.guests import MergedGuests
from kit.testing.principals import customer
from kit.values import ORDER, PRODUCT, money_to_proto, utc_now
from order.closed_accounts.consumers import AccountEvents
from order.orders.consumers import PaymentEvents
from order.orders.domain import Order
from order.tests.shop import Shop


class Subscriptions(Shop):
    """The subscriptions, called as kit.events calls them."""

    def __init__(self) -> None:
        super().__init__()
        db: Any = self.db
        subscriptions = (
            PaymentEvents(self.orders).subscription(),
            AccountEvents(self.closed_accounts, MergedGuests(db, [], clock=utc_now)).subscription(),
        )
        self.handlers = {
            kind: handler for subscription in subscriptions for kind, handler in subscription.handlers.items()
        }

    async def pending(self, caller: Principal | None = None) -> Order:
        return await self.place(caller or customer(), 2)

    async def receive(self, body: Any) -> None:
        event = Event(PRODUCT.new(), body.DESCRIPTOR.full_name, "pay_1", utc_now(), body, "", {})
        handler: Any = self.handlers[type(body)]
        if isinstance(handler, PreparedHandler):
            prepared = await handler.prepare(event)
            async with self.db.transaction() as tx:
                await handler.apply(tx, event, prepared)
        else:
            async with self.db.transaction() as tx:
                await handler(tx, event)

    def published(self) -> list[Any]:
        return [event for event in self.db.events if not isinstance(event, AdminActed)]


def payment(order: Order, **fields: Any) -> payment_pb2.Payment:
    return payment_pb2.Payment(order_id=ORDER.format(order.id), amount=money_to_proto(order.total), **fields)
