"""The handlers of events on fakes, and an account and an order for the events."""

from typing import Any
from uuid import UUID, uuid4

from souk.account.v1 import account_pb2
from souk.order.v1 import order_pb2

from kit.db.fake import FakeDatabase
from kit.events import BatchHandler, Event
from kit.guests import MergedGuests
from kit.testing import FakeClock
from kit.values import ACCOUNT, ORDER, Money, money_to_proto, timestamp_to_proto, utc_now
from notification.mail.tests.fakes import RENDERER, FakeMailer, FakeMailQueue
from notification.mail.use_cases import MailDelivery
from notification.notifications.consumers import EventHandlers
from notification.notifications.domain import Notification
from notification.notifications.tests.fakes import FakeNotificationStore
from notification.notifications.use_cases import Notifications
from notification.recipients.tests.fakes import FakeRecipientStore
from notification.recipients.use_cases import Recipients

OWNER, ORDERED = ACCOUNT.new(), ORDER.new()


class Service:
    """The handlers on fakes, called as kit.events calls them."""

    def __init__(self) -> None:
        self.db = FakeDatabase()
        self.recipients = FakeRecipientStore()
        self.store = FakeNotificationStore(self.recipients)
        self.mailer = FakeMailer()
        self.clock = clock = FakeClock()
        self.delivery = MailDelivery(FakeMailQueue(self.store), RENDERER, self.mailer, clock=clock)
        db: Any = self.db
        handlers = EventHandlers(
            Notifications(self.store, clock=clock),
            Recipients(self.recipients, clock=clock),
            MergedGuests(db, [], clock=clock),
            clock=clock,
        )
        self.handlers: dict[Any, Any] = {}
        for subscription in handlers.subscriptions():
            self.handlers |= subscription.handlers

    async def handle(self, *bodies: Any) -> list[Notification]:
        """Handles consecutive events of one type; returns all notifications."""
        events = [
            Event(uuid4(), body.DESCRIPTOR.full_name, "key", utc_now(), body, "", {}) for body in bodies
        ]
        handler = self.handlers[type(bodies[0])]
        async with self.db.transaction() as tx:
            if isinstance(handler, BatchHandler):
                await handler.apply(tx, events)
            else:
                for event in events:
                    await handler(tx, event)
        return list(self.store.notifications.values())

    async def send_mails(self) -> None:
        for due in await self.delivery.claim(10):
            await self.delivery.send(due)

    async def text(self) -> str:
        """The text of the one mail that is sent."""
        await self.send_mails()
        [mail] = self.mailer.mails
        return mail.text


def john(
    name: str = "John Doe", email: str = "john@souk.test", *, email_verified: bool = True
) -> account_pb2.Account:
    return account_pb2.Account(
        id=ACCOUNT.format(OWNER),
        name=name,
        email=email,
        email_verified=email_verified,
        update_time=timestamp_to_proto(utc_now()),
    )


def ordered(**fields: Any) -> order_pb2.Order:
    return order_pb2.Order(
        id=ORDER.format(ORDERED),
        account_id=ACCOUNT.format(OWNER),
        lines=[
            order_pb2.OrderLine(name="Mug", unit_price=money_to_proto(Money(999, "USD")), quantity=2),
        ],
        total=money_to_proto(Money(1998, "USD")),
        **fields,
    )


def summary(notifications: list[Notification]) -> list[tuple[str, UUID, UUID | None]]:
    return [
        (notification.template, notification.account_id, notification.order_id)
        for notification in notifications
    ]
