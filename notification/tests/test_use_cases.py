"""What is written down, sent, put off and given up, with fakes of our own ports."""

from datetime import timedelta
from uuid import uuid4

import pytest

from kit.auth import Principal, Role
from kit.db.fake import FakeDatabase
from kit.errors import JsonValue
from kit.testing import FakeClock
from notification.domain import Failure, Notification, Recipient, Status, Template
from notification.errors import MailDelayed, MailRefused
from notification.messages import link_context
from notification.ports import NotificationFilter
from notification.tests.fakes import (
    CONTEXT,
    RENDERER,
    SEALER,
    FakeMailer,
    FakeNotificationStore,
    about_order,
    somebody,
)
from notification.use_cases import Notifications


class Shop:
    """The use cases on fakes."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.db = FakeDatabase()
        self.store = FakeNotificationStore()
        self.mailer = FakeMailer()
        self.notifications = Notifications(self.store, RENDERER, self.mailer, clock=self.clock)

    async def knows(self, recipient: Recipient) -> None:
        async with self.db.transaction() as tx:
            await self.notifications.account_updated(tx, recipient)

    async def queues(self, notification: Notification) -> None:
        async with self.db.transaction() as tx:
            await self.notifications.queue(tx, [notification])

    async def works(self) -> int:
        """One round of the worker; answers how much there was to do."""
        due = await self.notifications.claim(100)
        for each in due:
            await self.notifications.send(each)
        return len(due)

    def row(self, notification: Notification) -> Notification:
        return self.store.notifications[notification.id]


async def test_somebody_who_registers_is_welcomed_once() -> None:
    shop = Shop()
    recipient = somebody(shop.clock)
    for _ in range(2):
        async with shop.db.transaction() as tx:
            await shop.notifications.account_registered(tx, recipient)
        await shop.works()

    assert [(mail.subject, mail.recipient) for mail in shop.mailer.mails] == [
        ("Welcome to Souk", "john@souk.test")
    ]


async def test_a_fact_heard_twice_is_told_once() -> None:
    shop = Shop()
    recipient, order_id = somebody(shop.clock), uuid4()
    await shop.knows(recipient)
    for _ in range(2):
        await shop.queues(about_order(shop.clock, recipient.account_id, order_id=order_id))
        await shop.works()

    assert len(shop.mailer.mails) == 1


async def test_a_fact_about_somebody_unknown_waits_until_they_are_known() -> None:
    shop = Shop()
    recipient = somebody(shop.clock)
    await shop.queues(about_order(shop.clock, recipient.account_id))
    assert await shop.works() == 0

    await shop.knows(recipient)
    assert await shop.works() == 1
    assert shop.mailer.mails[0].recipient == recipient.email


async def test_a_mail_goes_to_the_address_that_was_told_last() -> None:
    shop = Shop()
    old = somebody(shop.clock, email="old@souk.test")
    shop.clock.advance(seconds=1)
    await shop.knows(somebody(shop.clock, account_id=old.account_id, email="new@souk.test"))
    await shop.knows(old)
    await shop.queues(about_order(shop.clock, old.account_id))
    await shop.works()

    assert [mail.recipient for mail in shop.mailer.mails] == ["new@souk.test"]


async def test_what_cannot_be_taken_now_is_tried_again_under_the_same_message_id() -> None:
    shop = Shop()
    recipient = somebody(shop.clock)
    notification = about_order(shop.clock, recipient.account_id)
    await shop.knows(recipient)
    await shop.queues(notification)
    shop.mailer.answers = [MailDelayed(), MailDelayed()]

    await shop.works()
    assert (shop.row(notification).status, shop.row(notification).attempts) == (Status.QUEUED, 1)
    assert await shop.works() == 0
    for seconds in (1, 2):
        shop.clock.advance(seconds=seconds)
        assert await shop.works() == 1

    assert (shop.row(notification).status, shop.row(notification).attempts) == (Status.SENT, 3)
    assert shop.row(notification).send_time == shop.clock.now
    assert len({mail.message_id for mail in shop.mailer.mails}) == 1


async def test_what_is_refused_for_good_has_failed_and_is_not_tried_again() -> None:
    shop = Shop()
    recipient = somebody(shop.clock)
    notification = about_order(shop.clock, recipient.account_id)
    await shop.knows(recipient)
    await shop.queues(notification)
    shop.mailer.answers = [MailRefused()]

    await shop.works()
    shop.clock.advance(days=1)
    assert await shop.works() == 0
    row = shop.row(notification)
    assert (row.status, row.failure, row.recipient) == (Status.FAILED, Failure.REFUSED, recipient.email)


@pytest.mark.parametrize(
    ("context", "answer", "failure"),
    [
        (CONTEXT, MailDelayed(), Failure.NOT_TAKEN),
        ({}, None, Failure.NOT_RENDERED),
    ],
)
async def test_what_could_not_be_sent_for_three_days_is_given_up_and_says_why(
    context: dict[str, JsonValue], answer: Exception | None, failure: Failure
) -> None:
    shop = Shop()
    recipient, began = somebody(shop.clock), shop.clock()
    notification = Notification.about_order(Template.DELIVERED, uuid4(), recipient.account_id, context, began)
    await shop.knows(recipient)
    await shop.queues(notification)
    shop.mailer.answers = [answer] * 1_000 if answer else []

    while due_time := shop.row(notification).due_time:
        shop.clock.now = due_time
        await shop.works()

    row = shop.row(notification)
    assert (row.status, row.failure, shop.mailer.mails) == (Status.FAILED, failure, [])
    assert timedelta(days=3) < shop.clock() - began < timedelta(days=3, minutes=11)
    # Ten pauses of a second and longer, then one each ten minutes.
    assert 430 < row.attempts < 450


async def test_what_cannot_be_rendered_is_put_off_and_holds_nothing_up() -> None:
    shop = Shop()
    recipient = somebody(shop.clock)
    broken = Notification.about_order(Template.SHIPPED, uuid4(), recipient.account_id, {}, shop.clock())
    await shop.knows(recipient)
    await shop.queues(broken)
    other = somebody(shop.clock)
    await shop.knows(other)
    await shop.queues(about_order(shop.clock, other.account_id))

    await shop.works()
    assert len(shop.mailer.mails) == 1
    assert (shop.row(broken).status, shop.row(broken).due_time) == (
        Status.QUEUED,
        shop.clock.now + timedelta(seconds=1),
    )


async def test_a_page_says_whether_more_follow_and_counts_only_when_asked() -> None:
    shop = Shop()
    account_id = uuid4()
    for _ in range(3):
        await shop.queues(about_order(shop.clock, account_id))
    which = NotificationFilter(account_id)

    first = await shop.notifications.list(which, None, 2, count=True)
    assert (len(first.items), first.has_next, first.total) == (2, True, 3)
    last = first.items[-1]
    second = await shop.notifications.list(which, (last.create_time, last.id), 2, count=False)
    assert (len(second.items), second.has_next, second.total) == (1, False, None)


async def test_of_orders_answers_the_callers_own_and_an_admin_everybodys_each_once() -> None:
    shop = Shop()
    owner, order_id = uuid4(), uuid4()
    await shop.queues(about_order(shop.clock, owner, order_id=order_id))

    for caller, count in (
        (Principal(owner, Role.USER, uuid4()), 1),
        (Principal(uuid4(), Role.USER, uuid4()), 0),
        (Principal(uuid4(), Role.ADMIN, uuid4()), 1),
    ):
        assert len(await shop.notifications.of_orders(caller, [order_id, order_id])) == count


async def test_a_link_that_is_not_honoured_any_more_is_not_sent() -> None:
    shop = Shop()
    recipient = somebody(shop.clock)
    until = shop.clock.now + timedelta(minutes=30)
    context = link_context(SEALER.seal("token"), until, shop.clock.now)
    wanted = Notification.with_link(
        Template.PASSWORD_RESET, uuid4(), recipient.account_id, context, until, shop.clock.now
    )
    await shop.knows(recipient)
    await shop.queues(wanted)
    shop.mailer.answers = [MailDelayed()]
    await shop.works()
    shop.clock.advance(minutes=30)

    assert await shop.works() == 1
    assert shop.mailer.mails == []
    assert (shop.row(wanted).status, shop.row(wanted).failure) == (Status.FAILED, Failure.EXPIRED)


async def test_who_deleted_their_account_is_told_nothing_more() -> None:
    shop = Shop()
    recipient = somebody(shop.clock)
    before, after = (
        about_order(shop.clock, recipient.account_id),
        about_order(shop.clock, recipient.account_id),
    )
    await shop.knows(recipient)
    await shop.queues(before)
    async with shop.db.transaction() as tx:
        await shop.notifications.account_deleted(tx, recipient.account_id)
    await shop.knows(recipient)
    await shop.queues(after)

    assert [await shop.works(), await shop.works()] == [1, 1]
    assert shop.mailer.mails == []
    assert [(row.status, row.failure, row.recipient) for row in map(shop.row, (before, after))] == [
        (Status.FAILED, Failure.ACCOUNT_DELETED, "")
    ] * 2


async def test_a_mail_under_way_while_its_account_was_deleted_is_forgotten_soon_after() -> None:
    shop = Shop()
    recipient = somebody(shop.clock)
    notification = about_order(shop.clock, recipient.account_id)
    await shop.knows(recipient)
    await shop.queues(notification)
    [due] = await shop.notifications.claim(1)
    async with shop.db.transaction() as tx:
        await shop.notifications.account_deleted(tx, recipient.account_id)
    await shop.notifications.send(due)
    assert shop.row(notification).recipient == recipient.email

    await shop.notifications.forget_again()
    assert (shop.row(notification).status, shop.row(notification).recipient) == (Status.SENT, "")
