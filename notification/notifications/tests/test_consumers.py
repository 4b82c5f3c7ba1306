"""What every event of other services leads to, with fakes: which notification, to which account."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from souk.account.v1 import account_pb2
from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order
from souk.order.v1 import order_pb2
from souk.payment.v1 import events_pb2 as payment

from kit.db.fake import FakeDatabase
from kit.errors import InvalidArgument
from kit.events import BatchHandler, Event
from kit.testing import FakeClock
from kit.values import ACCOUNT, ORDER, PAYMENT, REFUND, Money, money_to_proto, timestamp_to_proto, utc_now
from notification.mail.tests.fakes import RENDERER, SEALER, FakeMailer, FakeMailQueue
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
        handlers = EventHandlers(
            Notifications(self.store, clock=clock), Recipients(self.recipients, clock=clock), clock=clock
        )
        self.handlers: dict[Any, Any] = {}
        for subscription in handlers.subscriptions():
            self.handlers |= subscription.handlers

    async def handle(self, body: Any) -> list[Notification]:
        event = Event(uuid4(), body.DESCRIPTOR.full_name, "key", utc_now(), body, "", {})
        handler = self.handlers[type(body)]
        async with self.db.transaction() as tx:
            if isinstance(handler, BatchHandler):
                await handler.apply(tx, [event])
            else:
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


async def test_account_registered_queues_a_welcome() -> None:
    service = Service()
    assert summary(await service.handle(account.AccountRegistered(account=john()))) == [
        ("welcome", OWNER, None)
    ]
    assert service.recipients.recipients[OWNER].email == "john@souk.test"


async def test_account_updated_changes_the_address_and_queues_nothing() -> None:
    service = Service()
    assert await service.handle(account.AccountUpdated(account=john(email="new@souk.test"))) == []
    assert service.recipients.recipients[OWNER].email == "new@souk.test"


@pytest.mark.parametrize(
    ("event_type", "template", "link"),
    [
        (account.PasswordResetRequested, "password_reset", "/reset-password#token=secret-1"),
        (account.EmailVerificationRequested, "email_verification", "/verify-email#token=secret-1"),
    ],
)
async def test_a_requested_link_goes_to_the_address_of_the_account(
    event_type: Any, template: str, link: str
) -> None:
    service = Service()
    expire_time = service.clock.now + timedelta(hours=24)
    body = event_type(
        account=john(),
        sealed_token=SEALER.seal("secret-1"),
        token_expire_time=timestamp_to_proto(expire_time),
    )
    notifications = await service.handle(body)

    assert summary(notifications) == [(template, OWNER, None)]
    assert "secret-1" not in str(notifications[0].context)
    assert notifications[0].expire_time == expire_time
    text = await service.text()
    assert link in text
    assert "Within 24 hours" in text
    assert [mail.recipient for mail in service.mailer.mails] == ["john@souk.test"]


@pytest.mark.parametrize(
    "event",
    [
        account.AccountRegistered(),
        account.PasswordResetRequested(),
        account.EmailVerificationRequested(),
        order.OrderPlaced(),
        order.OrderCancelled(),
    ],
)
@pytest.mark.parametrize("email_verified", [False, True])
async def test_text_that_a_customer_chose_is_sent_only_to_a_verified_address(
    event: Any, email_verified: bool
) -> None:
    chosen = ["Cheap watches at Doe's", "1 Watch Street", "call me for watches"]
    service = Service()
    person = john(chosen[0], email_verified=email_verified)
    if isinstance(event, order.OrderPlaced | order.OrderCancelled):
        await service.handle(account.AccountUpdated(account=person))
        address = order_pb2.Address(name=chosen[0], line1=chosen[1], city="Bern", country_code="CH")
        note = order_pb2.OrderStatusChange(note=chosen[2])
        reason = order_pb2.CANCEL_REASON_CUSTOMER
        placed = ordered(shipping_address=address, history=[note], cancel_reason=reason)
        await service.handle(type(event)(order=placed))
    else:
        event.account.CopyFrom(person)
        if isinstance(event, account.PasswordResetRequested | account.EmailVerificationRequested):
            event.sealed_token = SEALER.seal("secret-1")
            event.token_expire_time.FromDatetime(service.clock.now + timedelta(hours=1))
        await service.handle(event)

    text = await service.text()

    assert ("watch" in text.lower()) is email_verified
    assert text.startswith(f"Hello {chosen[0]}," if email_verified else "Hello,")


async def test_text_of_an_operator_is_sent_to_an_unverified_address_too() -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john(email_verified=False)))
    note = order_pb2.OrderStatusChange(note="The colour is sold out.")
    reason = order_pb2.CANCEL_REASON_ADMIN
    await service.handle(order.OrderCancelled(order=ordered(history=[note], cancel_reason=reason)))
    assert "The colour is sold out." in await service.text()


async def test_account_deleted_erases_the_recipient_and_stops_its_mails() -> None:
    service = Service()
    await service.handle(account.AccountRegistered(account=john()))
    await service.handle(account.AccountDeleted(account_id=ACCOUNT.format(OWNER)))
    await service.handle(account.AccountUpdated(account=john()))
    assert service.recipients.recipients[OWNER].is_deleted
    await service.send_mails()
    assert service.mailer.mails == []


@pytest.mark.parametrize(
    ("event_type", "template"),
    [
        (order.OrderPlaced, "order_placed"),
        (order.OrderConfirmed, "order_confirmed"),
        (order.OrderCancelled, "order_cancelled"),
        (order.OrderShipped, "shipped"),
        (order.OrderDelivered, "delivered"),
    ],
)
async def test_every_status_of_an_order_is_mailed_to_its_account_once(event_type: Any, template: str) -> None:
    service = Service()
    await service.handle(event_type(order=ordered()))
    assert summary(await service.handle(event_type(order=ordered(version=7)))) == [(template, OWNER, ORDERED)]


async def test_a_confirmation_has_the_orders_id_and_lines() -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(order.OrderConfirmed(order=ordered()))

    text = await service.text()
    assert ORDER.format(ORDERED) in text
    assert "2 x Mug, $9.99 each: $19.98" in text
    assert "Total: $19.98" in text


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (order_pb2.CANCEL_REASON_CUSTOMER, "You asked us to cancel it."),
        (order_pb2.CANCEL_REASON_PAYMENT_FAILED, "Your payment was declined."),
        (order_pb2.CANCEL_REASON_PAYMENT_TIMEOUT, "Your payment did not reach us in time."),
    ],
)
async def test_a_cancellation_states_its_reason(reason: order_pb2.CancelReason, sentence: str) -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(order.OrderCancelled(order=ordered(cancel_reason=reason)))

    assert sentence in await service.text()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("card_declined", "Your card was declined. Nothing was charged."),
        (
            "insufficient_funds",
            "Your payment was declined because the balance was too low. Nothing was charged.",
        ),
        ("authentication_required", "Order again, and confirm the payment when your bank asks you to."),
        ("processing_error", "Your payment could not be processed. Nothing was charged."),
        ("a_new_code", "Your payment was declined. Nothing was charged. You can order again."),
    ],
)
async def test_a_failed_payment_is_explained_in_words(code: str, sentence: str) -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    history = [order_pb2.OrderStatusChange(), order_pb2.OrderStatusChange(note=code)]
    failed = ordered(history=history, cancel_reason=order_pb2.CANCEL_REASON_PAYMENT_FAILED)
    await service.handle(order.OrderCancelled(order=failed))

    text = await service.text()
    assert sentence in text
    assert code not in text
    assert "refunded" not in text


_HISTORY = [
    order_pb2.OrderStatusChange(note="earlier"),
    order_pb2.OrderStatusChange(note="Parcel 1234567890123"),
]


@pytest.mark.parametrize("event_type", [order.OrderShipped, order.OrderDelivered, order.OrderCancelled])
async def test_a_mail_has_the_note_of_the_last_status_change(event_type: Any) -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(event_type(order=ordered(history=_HISTORY)))

    text = await service.text()
    assert "Parcel 1234567890123" in text
    assert "earlier" not in text


async def test_the_shipping_address_is_in_the_mail_as_on_a_label() -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    address = order_pb2.Address(
        name="Ann Lee", line1="1 Market Street", city="Springfield", postal_code="62701", country_code="US"
    )
    await service.handle(order.OrderShipped(order=ordered(shipping_address=address)))

    label = "Delivery address:\n  Ann Lee\n  1 Market Street\n  Springfield 62701\n  US\n"
    assert label in await service.text()


async def test_every_reason_of_a_cancellation_has_a_sentence() -> None:
    for reason in order_pb2.CancelReason.values():
        service = Service()
        [notification] = await service.handle(order.OrderCancelled(order=ordered(cancel_reason=reason)))
        assert bool(notification.context["reason"]) == (reason != order_pb2.CANCEL_REASON_UNSPECIFIED)


async def test_every_refund_has_its_own_mail() -> None:
    service = Service()
    paid = {"id": PAYMENT.format(PAYMENT.new()), "order_id": ORDER.format(ORDERED)}
    for _ in range(2):
        event = payment.PaymentRefunded(
            payment={**paid, "account_id": ACCOUNT.format(OWNER)},
            refund={"id": REFUND.format(REFUND.new()), "amount": money_to_proto(Money(500, "USD"))},
        )
        notifications = await service.handle(event)

    assert summary(notifications) == [("refunded", OWNER, ORDERED)] * 2
    context = notifications[0].context
    assert (context["amount"], context["currency"]) == ("5.00", "USD")


async def test_an_event_with_an_invalid_id_is_rejected() -> None:
    with pytest.raises(InvalidArgument):
        await Service().handle(order.OrderConfirmed(order=order_pb2.Order(id="7")))
