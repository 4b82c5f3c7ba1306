"""GuestMerged five times, before and after the events of the guest's order, on PostgreSQL."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from souk.account.v1 import account_pb2
from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order

from kit.events import BatchHandler, Event
from kit.guests import MergedGuests
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, timestamp_to_proto, utc_now
from notification.mail.tests.fakes import RENDERER, FakeMailer
from notification.mail.use_cases import MailDelivery
from notification.notifications.consumers import EventHandlers
from notification.notifications.ports import NotificationFilter
from notification.notifications.tests.handling import OWNER, ordered
from notification.notifications.use_cases import GuestNotifications, Notifications
from notification.recipients.use_cases import Recipients
from notification.tests.stores import Stores, real, stores

__all__ = ["database_url", "postgres", "real", "stores"]

INTO = uuid4()
PLACED = order.OrderPlaced(order=ordered())
CONFIRMED = order.OrderConfirmed(order=ordered())
MERGED = account.GuestMerged(guest_id=ACCOUNT.format(OWNER), into_id=ACCOUNT.format(INTO))
DELETED = account.AccountDeleted(account_id=ACCOUNT.format(INTO))
CANCELLED = order.OrderCancelled(
    order=ordered(shipping_address={"name": "Jane", "line1": "1 Market Street", "country_code": "CH"})
)


def known(account_id: UUID, *, guest: bool) -> account.AccountUpdated:
    return account.AccountUpdated(
        account=account_pb2.Account(
            id=ACCOUNT.format(account_id),
            name="Jane",
            email="jane@souk.test",
            guest=guest,
            update_time=timestamp_to_proto(utc_now()),
        )
    )


async def handle(real: Stores, events: Sequence[Any]) -> None:
    notifications = Notifications(real.notifications, clock=real.clock)
    recipients = Recipients(real.recipients, clock=real.clock)
    on_merged = GuestNotifications(notifications, recipients).guest_merged
    guests = MergedGuests(real.db, ["notifications"], on_merged, clock=real.clock)
    handlers: dict[type, Any] = {}
    for subscription in EventHandlers(notifications, recipients, guests, clock=real.clock).subscriptions():
        handlers |= subscription.handlers
    for body in events:
        event: Event[Any] = Event(uuid4(), body.DESCRIPTOR.full_name, "key", utc_now(), body, "", {})
        handler = handlers[type(body)]
        async with real.db.transaction() as tx:
            await (handler.apply(tx, [event]) if isinstance(handler, BatchHandler) else handler(tx, event))


@pytest.mark.parametrize(
    "events",
    [
        [known(OWNER, guest=True), PLACED, CONFIRMED, *[MERGED] * 5],
        [*[MERGED] * 5, PLACED, CONFIRMED, known(OWNER, guest=True)],
        [PLACED, *[MERGED] * 5, known(OWNER, guest=True), CONFIRMED],
    ],
)
async def test_all_notifications_of_a_guest_are_those_of_its_account(real: Stores, events: list[Any]) -> None:
    await handle(real, [known(INTO, guest=False), *events])

    rows = await real.notifications.page(NotificationFilter(), None, 10)
    assert [row.account_id for row in rows] == [INTO, INTO]
    assert await real.db.fetchval("SELECT count(*) FROM recipients") == 1
    assert {notification.account_id for notification, _ in await real.claim()} == {INTO}


@pytest.mark.parametrize(
    "events", [[DELETED, PLACED, MERGED], [PLACED, MERGED, DELETED], [DELETED, MERGED, PLACED]]
)
async def test_nothing_of_a_guest_is_kept_or_sent_once_its_account_was_deleted(
    real: Stores, events: list[Any]
) -> None:
    await handle(real, [known(OWNER, guest=True), *events])

    assert await real.db.fetchval("SELECT count(*) FROM recipients WHERE name <> '' OR email <> ''") == 0
    [(notification, recipient)] = await real.claim()
    assert recipient.is_deleted
    if events[-1] is not PLACED:
        assert notification.context == {}


async def deliver(real: Stores) -> None:
    """Sends all mails that are due."""
    delivery = MailDelivery(real.queue, RENDERER, FakeMailer(), clock=real.clock)
    while due := await delivery.claim(10):
        for mail in due:
            await delivery.send(mail)


@pytest.mark.parametrize(
    "events",
    [
        *permutations([known(INTO, guest=False), DELETED, MERGED, CANCELLED]),
        *permutations([known(OWNER, guest=True), DELETED, MERGED, CANCELLED]),
    ],
)
async def test_nothing_personal_of_a_deleted_account_is_kept_in_any_order_of_arrival(
    real: Stores, events: list[Any]
) -> None:
    for event in events:
        await handle(real, [event])
        await deliver(real)
    await Notifications(real.notifications, clock=real.clock).erase_late_arrivals()

    rows = [
        row["text"]
        for table in ("notifications", "recipients")
        for row in await real.db.fetch(f"SELECT to_jsonb({table})::text AS text FROM {table}")
    ]
    assert not [row for row in rows if "Jane" in row or "Market Street" in row or "souk.test" in row]
