"""What other services' facts become, event by event, with fakes: whom is told what."""

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
from notification.consumers import Facts
from notification.domain import Notification
from notification.tests.fakes import RENDERER, SEALER, FakeMailer, FakeNotificationStore
from notification.use_cases import Notifications

OWNER, BOUGHT = ACCOUNT.new(), ORDER.new()


class Listening:
    """The subscriptions, fed by hand as kit.events does it."""

    def __init__(self) -> None:
        self.db = FakeDatabase()
        self.store = FakeNotificationStore()
        self.mailer = FakeMailer()
        self.clock = clock = FakeClock()
        self.notifications = Notifications(self.store, RENDERER, self.mailer, clock=clock)
        self.on: dict[Any, Any] = {}
        for subscription in Facts(self.notifications, clock=clock).subscriptions():
            self.on |= subscription.handlers

    async def hears(self, body: Any) -> list[Notification]:
        event = Event(uuid4(), body.DESCRIPTOR.full_name, "key", utc_now(), body, "", {})
        reaction = self.on[type(body)]
        async with self.db.transaction() as tx:
            if isinstance(reaction, BatchHandler):
                await reaction.apply(tx, [event])
            else:
                await reaction(tx, event)
        return list(self.store.notifications.values())

    async def text(self) -> str:
        """The text of the one mail that goes out."""
        for due in await self.notifications.claim(10):
            await self.notifications.send(due)
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


def bought(**fields: Any) -> order_pb2.Order:
    return order_pb2.Order(
        id=ORDER.format(BOUGHT),
        account_id=ACCOUNT.format(OWNER),
        lines=[
            order_pb2.OrderLine(name="Mug", unit_price=money_to_proto(Money(999, "USD")), quantity=2),
        ],
        total=money_to_proto(Money(1998, "USD")),
        **fields,
    )


def told(notifications: list[Notification]) -> list[tuple[str, UUID, UUID | None]]:
    return [(each.template, each.account_id, each.order_id) for each in notifications]


async def test_account_registered_is_a_welcome() -> None:
    listening = Listening()
    assert told(await listening.hears(account.AccountRegistered(account=john()))) == [
        ("welcome", OWNER, None)
    ]
    assert listening.store.recipients[OWNER].email == "john@souk.test"


async def test_account_updated_tells_nobody_anything_and_moves_the_address() -> None:
    listening = Listening()
    assert await listening.hears(account.AccountUpdated(account=john(email="new@souk.test"))) == []
    assert listening.store.recipients[OWNER].email == "new@souk.test"


@pytest.mark.parametrize(
    ("fact", "template", "link"),
    [
        (account.PasswordResetRequested, "password_reset", "/reset-password#token=secret-1"),
        (account.EmailVerificationRequested, "email_verification", "/verify-email#token=secret-1"),
    ],
)
async def test_a_wanted_link_goes_to_the_address_of_the_account(fact: Any, template: str, link: str) -> None:
    listening = Listening()
    until = listening.clock.now + timedelta(hours=24)
    body = fact(
        account=john(), sealed_token=SEALER.seal("secret-1"), token_expire_time=timestamp_to_proto(until)
    )
    found = await listening.hears(body)

    assert told(found) == [(template, OWNER, None)]
    assert "secret-1" not in str(found[0].context)
    assert found[0].expire_time == until
    text = await listening.text()
    assert link in text
    assert "Within 24 hours" in text
    assert [mail.recipient for mail in listening.mailer.mails] == ["john@souk.test"]


@pytest.mark.parametrize(
    "fact",
    [
        account.AccountRegistered(),
        account.PasswordResetRequested(),
        account.EmailVerificationRequested(),
        order.OrderPlaced(),
        order.OrderCancelled(),
    ],
)
@pytest.mark.parametrize("email_verified", [False, True])
async def test_what_a_person_chose_goes_to_an_address_only_once_it_is_proven(
    fact: Any, email_verified: bool
) -> None:
    chosen = ["Cheap watches at Doe's", "1 Watch Street", "call me for watches"]
    listening = Listening()
    person = john(chosen[0], email_verified=email_verified)
    if isinstance(fact, order.OrderPlaced | order.OrderCancelled):
        await listening.hears(account.AccountUpdated(account=person))
        address = order_pb2.Address(name=chosen[0], line1=chosen[1], city="Bern", country_code="CH")
        note = order_pb2.OrderStatusChange(note=chosen[2])
        reason = order_pb2.CANCEL_REASON_CUSTOMER
        placed = bought(shipping_address=address, history=[note], cancel_reason=reason)
        await listening.hears(type(fact)(order=placed))
    else:
        fact.account.CopyFrom(person)
        if isinstance(fact, account.PasswordResetRequested | account.EmailVerificationRequested):
            fact.sealed_token = SEALER.seal("secret-1")
            fact.token_expire_time.FromDatetime(listening.clock.now + timedelta(hours=1))
        await listening.hears(fact)

    text = await listening.text()

    assert ("watch" in text.lower()) is email_verified
    assert text.startswith(f"Hello {chosen[0]}," if email_verified else "Hello,")


async def test_what_an_operator_wrote_goes_to_an_unproven_address_too() -> None:
    listening = Listening()
    await listening.hears(account.AccountUpdated(account=john(email_verified=False)))
    note = order_pb2.OrderStatusChange(note="The colour is sold out.")
    reason = order_pb2.CANCEL_REASON_ADMIN
    await listening.hears(order.OrderCancelled(order=bought(history=[note], cancel_reason=reason)))
    assert "The colour is sold out." in await listening.text()


async def test_account_deleted_ends_what_is_known_of_it() -> None:
    listening = Listening()
    await listening.hears(account.AccountRegistered(account=john()))
    await listening.hears(account.AccountDeleted(account_id=ACCOUNT.format(OWNER)))
    await listening.hears(account.AccountUpdated(account=john()))
    assert listening.store.recipients[OWNER].is_gone
    for due in await listening.notifications.claim(10):
        await listening.notifications.send(due)
    assert listening.mailer.mails == []


@pytest.mark.parametrize(
    ("fact", "template"),
    [
        (order.OrderPlaced, "order_placed"),
        (order.OrderConfirmed, "order_confirmed"),
        (order.OrderCancelled, "order_cancelled"),
        (order.OrderShipped, "shipped"),
        (order.OrderDelivered, "delivered"),
    ],
)
async def test_each_status_of_an_order_is_told_to_its_account_once(fact: Any, template: str) -> None:
    listening = Listening()
    await listening.hears(fact(order=bought()))
    assert told(await listening.hears(fact(order=bought(version=7)))) == [(template, OWNER, BOUGHT)]


async def test_a_confirmation_names_the_orders_id_and_its_lines() -> None:
    listening = Listening()
    await listening.hears(account.AccountUpdated(account=john()))
    await listening.hears(order.OrderConfirmed(order=bought()))

    text = await listening.text()
    assert ORDER.format(BOUGHT) in text
    assert "2 x Mug, $9.99 each: $19.98" in text
    assert "Total: $19.98" in text


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (order_pb2.CANCEL_REASON_CUSTOMER, "You asked us to cancel it."),
        (order_pb2.CANCEL_REASON_PAYMENT_FAILED, "Your payment was declined."),
        (order_pb2.CANCEL_REASON_PAYMENT_TIMEOUT, "Your payment did not reach us in time."),
    ],
)
async def test_a_cancellation_says_why(reason: order_pb2.CancelReason, words: str) -> None:
    listening = Listening()
    await listening.hears(account.AccountUpdated(account=john()))
    await listening.hears(order.OrderCancelled(order=bought(cancel_reason=reason)))

    assert words in await listening.text()


_NOTED = [
    order_pb2.OrderStatusChange(note="earlier"),
    order_pb2.OrderStatusChange(note="Parcel 1234567890123"),
]


@pytest.mark.parametrize("fact", [order.OrderShipped, order.OrderDelivered, order.OrderCancelled])
async def test_the_note_of_the_last_step_is_in_the_mail_about_it(fact: Any) -> None:
    listening = Listening()
    await listening.hears(account.AccountUpdated(account=john()))
    await listening.hears(fact(order=bought(history=_NOTED)))

    text = await listening.text()
    assert "Parcel 1234567890123" in text
    assert "earlier" not in text


async def test_the_shipping_address_is_in_the_mail_as_on_a_label() -> None:
    listening = Listening()
    await listening.hears(account.AccountUpdated(account=john()))
    address = order_pb2.Address(
        name="Ann Lee", line1="1 Market Street", city="Springfield", postal_code="62701", country_code="US"
    )
    await listening.hears(order.OrderShipped(order=bought(shipping_address=address)))

    label = "Delivery address:\n  Ann Lee\n  1 Market Street\n  Springfield 62701\n  US\n"
    assert label in await listening.text()


async def test_every_reason_of_a_cancellation_has_words() -> None:
    for reason in order_pb2.CancelReason.values():
        listening = Listening()
        [found] = await listening.hears(order.OrderCancelled(order=bought(cancel_reason=reason)))
        assert bool(found.context["reason"]) == (reason != order_pb2.CANCEL_REASON_UNSPECIFIED)


async def test_each_refund_is_told_by_itself() -> None:
    listening = Listening()
    paid = {"id": PAYMENT.format(PAYMENT.new()), "order_id": ORDER.format(BOUGHT)}
    for _ in range(2):
        fact = payment.PaymentRefunded(
            payment={**paid, "account_id": ACCOUNT.format(OWNER)},
            refund={"id": REFUND.format(REFUND.new()), "amount": money_to_proto(Money(500, "USD"))},
        )
        found = await listening.hears(fact)

    assert told(found) == [("refunded", OWNER, BOUGHT)] * 2
    assert (found[0].context["amount"], found[0].context["currency"]) == ("5.00", "USD")


async def test_a_fact_with_no_id_in_it_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        await Listening().hears(order.OrderConfirmed(order=order_pb2.Order(id="7")))
