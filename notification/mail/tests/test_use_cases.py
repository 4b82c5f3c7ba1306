"""What is sent, retried and given up, with fakes of our own ports."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kit.db.fake import FakeDatabase
from kit.errors import JsonValue
from kit.testing import FakeClock
from notification.contexts.messages import link_context
from notification.mail.errors import MailRejected, TemporaryDeliveryFailure
from notification.mail.tests.fakes import RENDERER, SEALER, FakeMailer, FakeMailQueue
from notification.mail.use_cases import MailDelivery
from notification.notifications.domain import Failure, Notification, Status, Template
from notification.notifications.tests.fakes import CONTEXT, FakeNotificationStore, about_order
from notification.notifications.use_cases import Notifications
from notification.recipients.domain import Recipient
from notification.recipients.tests.fakes import FakeRecipientStore, john
from notification.recipients.use_cases import Recipients


class Outbound:
    """The use cases on fakes, and one recipient."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.db = FakeDatabase()
        recipients = FakeRecipientStore()
        self.store = FakeNotificationStore(recipients)
        self.mailer = FakeMailer()
        self.recipients = Recipients(recipients, clock=self.clock)
        self.notifications = Notifications(self.store, clock=self.clock)
        self.delivery = MailDelivery(FakeMailQueue(self.store), RENDERER, self.mailer, clock=self.clock)
        self.recipient = john(self.clock)

    async def save(self, recipient: Recipient | None = None) -> None:
        """Saves the recipient."""
        async with self.db.transaction() as tx:
            await self.recipients.update(tx, [recipient or self.recipient])

    async def delete(self, account_id: UUID) -> None:
        """What the account's deletion sets off."""
        async with self.db.transaction() as tx:
            await self.recipients.delete(tx, account_id)
            await self.notifications.erase(tx, account_id)

    async def queue(self, notification: Notification) -> None:
        async with self.db.transaction() as tx:
            await self.notifications.queue(tx, [notification])

    async def queue_order(self, recipient: Recipient | None = None) -> Notification:
        notification = about_order(self.clock, (recipient or self.recipient).account_id)
        await self.queue(notification)
        return notification

    async def work(self) -> int:
        """One round of the worker; returns the number of notifications it handled."""
        due = await self.delivery.claim(100)
        for item in due:
            await self.delivery.send(item)
        return len(due)

    def row(self, notification: Notification) -> Notification:
        return self.store.notifications[notification.id]


@pytest.fixture
def outbound() -> Outbound:
    return Outbound()


async def test_a_new_account_is_welcomed_once(outbound: Outbound) -> None:
    for _ in range(2):
        await outbound.save()
        await outbound.queue(Notification.welcome(outbound.recipient.account_id, outbound.clock()))
        await outbound.work()

    assert [(mail.subject, mail.recipient) for mail in outbound.mailer.mails] == [
        ("Welcome to Souk", "john@souk.test")
    ]


async def test_an_event_that_is_delivered_twice_is_mailed_once(outbound: Outbound) -> None:
    order_id = uuid4()
    await outbound.save()
    for _ in range(2):
        await outbound.queue(about_order(outbound.clock, outbound.recipient.account_id, order_id=order_id))
        await outbound.work()

    assert len(outbound.mailer.mails) == 1


async def test_a_notification_for_an_unknown_account_waits_until_the_account_is_known(
    outbound: Outbound,
) -> None:
    await outbound.queue_order()
    assert await outbound.work() == 0

    await outbound.save()
    assert await outbound.work() == 1
    assert outbound.mailer.mails[0].recipient == outbound.recipient.email


async def test_a_mail_goes_to_the_newest_address(outbound: Outbound) -> None:
    old = john(outbound.clock, email="old@souk.test")
    outbound.clock.advance(seconds=1)
    await outbound.save(john(outbound.clock, account_id=old.account_id, email="new@souk.test"))
    await outbound.save(old)
    await outbound.queue_order(old)
    await outbound.work()

    assert [mail.recipient for mail in outbound.mailer.mails] == ["new@souk.test"]


async def test_a_temporary_failure_is_retried_with_the_same_message_id(outbound: Outbound) -> None:
    await outbound.save()
    notification = await outbound.queue_order()
    outbound.mailer.errors = [TemporaryDeliveryFailure(), TemporaryDeliveryFailure()]

    await outbound.work()
    assert (outbound.row(notification).status, outbound.row(notification).attempts) == (Status.QUEUED, 1)
    assert await outbound.work() == 0
    for seconds in (1, 2):
        outbound.clock.advance(seconds=seconds)
        assert await outbound.work() == 1

    assert (outbound.row(notification).status, outbound.row(notification).attempts) == (Status.SENT, 3)
    assert outbound.row(notification).send_time == outbound.clock.now
    assert len({mail.message_id for mail in outbound.mailer.mails}) == 1


async def test_a_rejected_mail_has_failed_and_is_not_retried(outbound: Outbound) -> None:
    await outbound.save()
    notification = await outbound.queue_order()
    outbound.mailer.errors = [MailRejected()]

    await outbound.work()
    outbound.clock.advance(days=1)
    assert await outbound.work() == 0
    row = outbound.row(notification)
    assert (row.status, row.failure, row.recipient) == (
        Status.FAILED,
        Failure.REJECTED,
        outbound.recipient.email,
    )


@pytest.mark.parametrize(
    ("context", "error", "failure"),
    [
        (CONTEXT, TemporaryDeliveryFailure(), Failure.DELIVERY_TIMED_OUT),
        ({}, None, Failure.NOT_RENDERED),
    ],
)
async def test_a_mail_that_cannot_be_sent_for_three_days_fails_with_the_reason(
    outbound: Outbound, context: dict[str, JsonValue], error: Exception | None, failure: Failure
) -> None:
    account_id, start = outbound.recipient.account_id, outbound.clock()
    notification = Notification.about_order(Template.DELIVERED, uuid4(), account_id, context, start)
    await outbound.save()
    await outbound.queue(notification)
    outbound.mailer.errors = [error] * 1_000 if error else []

    while due_time := outbound.row(notification).due_time:
        outbound.clock.now = due_time
        await outbound.work()

    row = outbound.row(notification)
    assert (row.status, row.failure, outbound.mailer.mails) == (Status.FAILED, failure, [])
    assert timedelta(days=3) < outbound.clock() - start < timedelta(days=3, minutes=11)
    # Ten growing delays from one second, then one attempt every ten minutes.
    assert 430 < row.attempts < 450


async def test_a_mail_that_cannot_be_rendered_is_retried_and_holds_up_no_other(outbound: Outbound) -> None:
    account_id = outbound.recipient.account_id
    broken = Notification.about_order(Template.SHIPPED, uuid4(), account_id, {}, outbound.clock())
    await outbound.save()
    await outbound.queue(broken)
    other = john(outbound.clock)
    await outbound.save(other)
    await outbound.queue_order(other)

    await outbound.work()
    assert len(outbound.mailer.mails) == 1
    assert (outbound.row(broken).status, outbound.row(broken).due_time) == (
        Status.QUEUED,
        outbound.clock.now + timedelta(seconds=1),
    )


async def test_an_expired_link_is_not_sent(outbound: Outbound) -> None:
    expire_time = outbound.clock.now + timedelta(minutes=30)
    context = link_context(SEALER.seal("token"), expire_time, outbound.clock.now)
    account_id = outbound.recipient.account_id
    link = Notification.with_link(
        Template.PASSWORD_RESET, uuid4(), account_id, context, expire_time, outbound.clock.now
    )
    await outbound.save()
    await outbound.queue(link)
    outbound.mailer.errors = [TemporaryDeliveryFailure()]
    await outbound.work()
    outbound.clock.advance(minutes=30)

    assert await outbound.work() == 1
    assert outbound.mailer.mails == []
    assert (outbound.row(link).status, outbound.row(link).failure) == (Status.FAILED, Failure.EXPIRED)


async def test_a_deleted_account_gets_no_more_mail(outbound: Outbound) -> None:
    await outbound.save()
    before = await outbound.queue_order()
    await outbound.delete(outbound.recipient.account_id)
    await outbound.save()
    after = await outbound.queue_order()

    assert [await outbound.work(), await outbound.work()] == [1, 1]
    assert outbound.mailer.mails == []
    assert [(row.status, row.failure, row.recipient) for row in map(outbound.row, (before, after))] == [
        (Status.FAILED, Failure.ACCOUNT_DELETED, "")
    ] * 2


async def test_the_address_of_a_mail_in_progress_during_its_accounts_deletion_is_erased_soon_after(
    outbound: Outbound,
) -> None:
    await outbound.save()
    notification = await outbound.queue_order()
    [due] = await outbound.delivery.claim(1)
    await outbound.delete(outbound.recipient.account_id)
    await outbound.delivery.send(due)
    assert outbound.row(notification).recipient == outbound.recipient.email

    await outbound.notifications.erase_late_arrivals()
    row = outbound.row(notification)
    assert (row.status, row.recipient) == (Status.SENT, "")
