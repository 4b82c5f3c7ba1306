"""Mails to guests, with fakes: only about paid orders, with the link that opens them."""

from datetime import timedelta

import pytest
from souk.account.v1 import account_pb2
from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order
from souk.order.v1 import order_pb2

from kit.values import timestamp_to_proto
from notification.mail.tests.fakes import SEALER
from notification.notifications.tests.handling import OWNER, Service, john, ordered

CONFIRMED = [
    order_pb2.OrderStatusChange(status=order_pb2.ORDER_STATUS_PENDING),
    order_pb2.OrderStatusChange(status=order_pb2.ORDER_STATUS_CONFIRMED),
]


def guest() -> account_pb2.Account:
    contact = john(email_verified=False)
    contact.guest = True
    return contact


async def with_contact(service: Service, token: str = "secret-1") -> None:
    await service.handle(
        account.AccountUpdated(
            account=guest(),
            sealed_order_token=SEALER.seal(token) if token else b"",
            order_token_expire_time=timestamp_to_proto(service.clock.now + timedelta(days=30)),
        )
    )


async def test_a_contact_sends_no_mail() -> None:
    service = Service()
    await with_contact(service)
    await service.send_mails()
    assert service.mailer.mails == []
    assert service.recipients.recipients[OWNER].is_guest


@pytest.mark.parametrize("contact_first", [True, False])
async def test_a_guest_gets_the_confirmation_with_its_link_and_nothing_before(contact_first: bool) -> None:
    service = Service()
    if contact_first:
        await with_contact(service)
    await service.handle(order.OrderPlaced(order=ordered(history=CONFIRMED[:1])))
    if not contact_first:
        await with_contact(service)
    await service.send_mails()
    assert (service.mailer.mails, service.store.notifications) == ([], {})

    await service.handle(order.OrderConfirmed(order=ordered(history=CONFIRMED)))

    assert "#token=secret-1" in await service.text()


async def test_a_guest_gets_no_mail_of_a_cancelled_unpaid_order_but_of_a_paid_one() -> None:
    service = Service()
    await with_contact(service)
    unpaid = ordered(history=CONFIRMED[:1], cancel_reason=order_pb2.CANCEL_REASON_PAYMENT_FAILED)
    await service.handle(order.OrderCancelled(order=unpaid))
    await service.send_mails()
    assert service.mailer.mails == []

    paid = ordered(history=CONFIRMED, cancel_reason=order_pb2.CANCEL_REASON_ADMIN)
    await service.handle(order.OrderCancelled(order=paid))

    assert "We had to cancel it." in await service.text()


async def test_an_unpaid_order_of_a_guest_without_a_contact_queues_nothing_and_a_paid_one_waits_for_it() -> (
    None
):
    service = Service()
    unpaid = ordered(history=CONFIRMED[:1])
    await service.handle(order.OrderPlaced(order=unpaid, placed_by_guest=True))
    assert await service.handle(order.OrderCancelled(order=unpaid, placed_by_guest=True)) == []

    await service.handle(order.OrderConfirmed(order=ordered(history=CONFIRMED)))
    await service.send_mails()
    assert service.mailer.mails == []
    await with_contact(service)
    assert "#token=secret-1" in await service.text()


async def test_an_order_whose_payment_came_too_late_is_mailed_because_it_is_refunded() -> None:
    service = Service()
    await with_contact(service)
    late = ordered(history=CONFIRMED[:1], cancel_reason=order_pb2.CANCEL_REASON_RESERVATION_EXPIRED)
    await service.handle(order.OrderCancelled(order=late, placed_by_guest=True))
    assert "products had gone back on sale" in await service.text()


async def test_an_account_gets_the_mail_of_an_unpaid_order_without_a_link() -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(order.OrderPlaced(order=ordered(history=CONFIRMED[:1])))
    text = await service.text()
    assert "We write again as soon as it is paid." in text
    assert "token=" not in text


async def test_a_requested_link_replaces_that_of_later_mails_and_another_change_keeps_it() -> None:
    service = Service()
    await with_contact(service)
    expire_time = timestamp_to_proto(service.clock.now + timedelta(days=30))
    sealed = SEALER.seal("secret-2")
    requested = account.OrderLinkRequested(
        account=guest(), sealed_token=sealed, token_expire_time=expire_time
    )
    await service.handle(requested)
    await with_contact(service, token="")
    await service.handle(order.OrderConfirmed(order=ordered(history=CONFIRMED)))
    await service.send_mails()
    await service.send_mails()

    assert [mail.subject for mail in service.mailer.mails] == [
        "The link to your orders",
        "Your order is confirmed",
    ]
    assert all("#token=secret-2" in mail.text for mail in service.mailer.mails)


async def test_a_guest_that_registered_has_no_link_in_its_mails() -> None:
    service = Service()
    await with_contact(service)
    await service.handle(account.AccountRegistered(account=john(email_verified=False)))
    await service.handle(order.OrderConfirmed(order=ordered(history=CONFIRMED)))
    await service.send_mails()
    await service.send_mails()
    assert len(service.mailer.mails) == 2
    assert not any("token=" in mail.text for mail in service.mailer.mails)
