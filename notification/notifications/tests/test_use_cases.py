"""Listing the history, with fakes of our own ports."""

from uuid import uuid4

from kit.auth import Principal, Role
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from notification.notifications.domain import Notification
from notification.notifications.ports import NotificationFilter
from notification.notifications.tests.fakes import FakeNotificationStore, about_order
from notification.notifications.use_cases import Notifications
from notification.recipients.tests.fakes import FakeRecipientStore


class History:
    """The use cases on fakes."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.db = FakeDatabase()
        self.store = FakeNotificationStore(FakeRecipientStore())
        self.notifications = Notifications(self.store, clock=self.clock)

    async def queue(self, notification: Notification) -> None:
        async with self.db.transaction() as tx:
            await self.notifications.queue(tx, [notification])


async def test_a_page_says_whether_there_are_more_and_counts_only_on_request() -> None:
    history = History()
    account_id = uuid4()
    for _ in range(3):
        await history.queue(about_order(history.clock, account_id))
    filter = NotificationFilter(account_id)

    first = await history.notifications.list(filter, None, 2, count=True)
    assert (len(first.items), first.has_next, first.total) == (2, True, 3)
    last = first.items[-1]
    second = await history.notifications.list(filter, (last.create_time, last.id), 2, count=False)
    assert (len(second.items), second.has_next, second.total) == (1, False, None)


async def test_notifications_of_orders_are_the_callers_own_or_any_for_an_admin_without_duplicates() -> None:
    history = History()
    owner, order_id = uuid4(), uuid4()
    await history.queue(about_order(history.clock, owner, order_id=order_id))

    for caller, count in (
        (Principal(owner, Role.USER, uuid4()), 1),
        (Principal(uuid4(), Role.USER, uuid4()), 0),
        (Principal(uuid4(), Role.ADMIN, uuid4()), 1),
    ):
        assert len(await history.notifications.find_by_orders(caller, [order_id, order_id])) == count
