"""Fakes of the notification service's own ports; the store's keeps the same contract as PostgreSQL's (test_store)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from kit.auth import DEVELOPMENT_SEALING_KEY, Sealer
from kit.errors import JsonValue
from kit.testing import FakeClock
from kit.values import exact_count
from notification.domain import Mail, Notification, Recipient, Status, Template
from notification.ports import NotificationFilter
from notification.rendering import Renderer

SEALER = Sealer(DEVELOPMENT_SEALING_KEY)
RENDERER = Renderer(shop_url="https://souk.test", mail_domain="souk.test", sealer=SEALER)
LINES: list[JsonValue] = [{"name": "Mug <blue>", "quantity": 2, "unit_price": "9.99", "total": "19.98"}]
CONTEXT: dict[str, JsonValue] = {
    "order_id": "ord_1",
    "lines": LINES,
    "total": "19.98",
    "currency": "USD",
    "reason": "Your payment was declined.",
    "note": "Parcel 00340434161094042557",
    "address": ["John Doe", "1 Market Street", "Springfield IL 62701", "US"],
}


class FakeNotificationStore:
    """Notifications and recipients in memory."""

    def __init__(self) -> None:
        self.notifications: dict[UUID, Notification] = {}
        self.recipients: dict[UUID, Recipient] = {}

    async def add(self, tx: object, notifications: Sequence[Notification]) -> None:
        for notification in notifications:
            self.notifications.setdefault(notification.id, replace(notification))

    async def put_recipient(self, tx: object, recipient: Recipient) -> None:
        known = self.recipients.get(recipient.account_id)
        if known is None or (known.update_time <= recipient.update_time and not known.is_gone):
            self.recipients[recipient.account_id] = recipient

    async def forget(self, tx: object, account_id: UUID, now: datetime) -> None:
        self.recipients[account_id] = Recipient(account_id, "", "", now, is_gone=True)
        self._blank(account_id)

    async def forget_again(self, since: datetime) -> None:
        for recipient in self.recipients.values():
            if recipient.is_gone and recipient.update_time >= since:
                self._blank(recipient.account_id)

    def _blank(self, account_id: UUID) -> None:
        for notification in self.notifications.values():
            if notification.account_id == account_id:
                notification.recipient, notification.context = "", {}

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[tuple[Notification, Recipient]]:
        due = [
            each
            for each in self.notifications.values()
            if each.status is Status.QUEUED
            and each.due_time
            and each.due_time <= now
            and each.account_id in self.recipients
            and not any(self._waits_for(each, other) for other in self.notifications.values())
        ]
        leased = sorted(due, key=lambda each: (each.priority, each.due_time or now))[:limit]
        for notification in leased:
            notification.due_time, notification.attempts = lease, notification.attempts + 1
        return [(self._shown(each), self.recipients[each.account_id]) for each in leased]

    def _waits_for(self, each: Notification, other: Notification) -> bool:
        same = (other.account_id, other.priority) == (each.account_id, each.priority)
        earlier = (other.create_time, other.id) < (each.create_time, each.id)
        return same and earlier and other.due_time is not None and other.attempts <= 1

    async def save(self, notification: Notification) -> bool:
        kept = self.notifications[notification.id]
        is_leased = kept.status is Status.QUEUED and kept.attempts == notification.attempts
        if kept.status is Status.SENT or not (is_leased or notification.status is Status.SENT):
            return False
        self.notifications[notification.id] = replace(
            notification, context=kept.context, attempts=kept.attempts
        )
        return True

    async def page(
        self, which: NotificationFilter, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Notification]:
        found = sorted(self._those(which), key=_newness, reverse=True)
        return [self._shown(each) for each in found if after is None or _newness(each) < after][:limit]

    async def page_each(
        self, which: NotificationFilter, account_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, list[Notification]]:
        return {each: await self.page(replace(which, account_id=each), None, limit) for each in account_ids}

    async def count_each(
        self, which: NotificationFilter, account_ids: Sequence[UUID]
    ) -> dict[UUID, int | None]:
        return {each: await self.count(replace(which, account_id=each)) for each in account_ids}

    async def count(self, which: NotificationFilter) -> int | None:
        return exact_count(len(self._those(which)))

    async def of_orders(self, order_ids: Sequence[UUID], owner: UUID | None, each: int) -> list[Notification]:
        found = [
            notification
            for order_id in order_ids
            for notification in await self.page(NotificationFilter(owner, order_id), None, each)
        ]
        return sorted(found, key=_newness, reverse=True)

    def _those(self, which: NotificationFilter) -> list[Notification]:
        return [
            each
            for each in self.notifications.values()
            if which.account_id in (None, each.account_id) and which.order_id in (None, each.order_id)
        ]

    def _shown(self, notification: Notification) -> Notification:
        known = self.recipients.get(notification.account_id)
        return replace(notification, recipient=notification.recipient or (known.email if known else ""))


class FakeMailer:
    """Keeps what is handed over; raises `answers`, one after the other, as long as there are any."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.answers: list[Exception] = []

    async def send(self, mail: Mail) -> None:
        if self.answers:
            raise self.answers.pop(0)
        self.mails.append(mail)


def _newness(notification: Notification) -> tuple[datetime, UUID]:
    return notification.create_time, notification.id


def somebody(clock: FakeClock, *, account_id: UUID | None = None, email: str = "john@souk.test") -> Recipient:
    """A person."""
    return Recipient(account_id or uuid4(), "John Doe", email, clock(), email_verified=True)


def about_order(
    clock: FakeClock,
    account_id: UUID,
    *,
    order_id: UUID | None = None,
    template: Template = Template.ORDER_CONFIRMED,
) -> Notification:
    """A notification about an order."""
    return Notification.about_order(template, order_id or uuid4(), account_id, CONTEXT, clock())
