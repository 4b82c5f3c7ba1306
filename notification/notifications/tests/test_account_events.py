"""What every event of accounts leads to, with fakes: which mail, to which address."""

from datetime import timedelta
from typing import Any

import pytest
from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order
from souk.order.v1 import order_pb2

from kit.values import ACCOUNT, timestamp_to_proto
from notification.mail.tests.fakes import SEALER
from notification.notifications.tests.handling import OWNER, Service, john, ordered, summary


async def test_account_registered_queues_a_welcome() -> None:
    service = Service()
    assert summary(await service.handle(account.AccountRegistered(account=john()))) == [
        ("welcome", OWNER, None)
    ]
    assert service.recipients.recipients[OWNER].email == "john@souk.test"


async def test_events_of_many_accounts_are_handled_together_and_those_of_one_in_order() -> None:
    service, other = Service(), john(email="other@souk.test")
    other.id = ACCOUNT.format(ACCOUNT.new())
    registered = [account.AccountRegistered(account=person) for person in (john(), other)]
    assert len(await service.handle(*registered, *registered)) == 2
    updated = [account.AccountUpdated(account=john(email=f"{name}@souk.test")) for name in ("first", "last")]
    await service.handle(*updated)
    emails = {recipient.email for recipient in service.recipients.recipients.values()}
    assert emails == {"last@souk.test", "other@souk.test"}


async def test_account_updated_changes_the_address_and_queues_nothing() -> None:
    service = Service()
    assert await service.handle(account.AccountUpdated(account=john(email="new@souk.test"))) == []
    assert service.recipients.recipients[OWNER].email == "new@souk.test"


@pytest.mark.parametrize(
    ("event_type", "template", "link"),
    [
        (account.PasswordResetRequested, "password_reset", "/reset-password#token=secret-1"),
        (account.EmailVerificationRequested, "email_verification", "/verify-email#token=secret-1"),
        (account.OrderLinkRequested, "order_link", "/orders#token=secret-1"),
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
