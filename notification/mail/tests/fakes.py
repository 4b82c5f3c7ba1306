"""The mail queue and the mailer in memory; `notification/tests/stores.py` runs the queue's contract on it and on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kit.auth import DEVELOPMENT_SEALING_KEY, Sealer
from notification.mail.domain import Mail
from notification.mail.ports import Due
from notification.mail.rendering import Renderer
from notification.notifications.domain import Failure, Notification, Status
from notification.notifications.tests.fakes import FakeNotificationStore

SEALER = Sealer(DEVELOPMENT_SEALING_KEY)
RENDERER = Renderer(shop_url="https://souk.test", mail_domain="souk.test", sealer=SEALER)


class FakeMailQueue:
    """`ports.MailQueue` over the notifications of a fake store."""

    def __init__(self, store: FakeNotificationStore) -> None:
        self._store = store

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[Due]:
        due = [n for n in self._store.notifications.values() if self._is_due(n, now)]
        leased = sorted(due, key=lambda n: (n.priority, n.due_time or now))[:limit]
        for notification in leased:
            notification.due_time, notification.attempts = lease, notification.attempts + 1
        return [(self._store.with_address(n), self._store.recipients[n.account_id]) for n in leased]

    def _is_due(self, notification: Notification, now: datetime) -> bool:
        return (
            notification.status is Status.QUEUED
            and notification.due_time is not None
            and notification.due_time <= now
            and notification.account_id in self._store.recipients
            and not any(_holds_up(other, notification) for other in self._store.notifications.values())
        )

    async def drop(self, notification: Notification) -> bool:
        stored = self._store.notifications.get(notification.id)
        is_leased = stored is not None and stored.status is Status.QUEUED
        if stored is None or not is_leased or stored.attempts != notification.attempts:
            return False
        del self._store.notifications[notification.id]
        return True

    async def save(self, notifications: Sequence[Notification]) -> list[bool]:
        return [self._save(notification) for notification in notifications]

    def _save(self, notification: Notification) -> bool:
        stored = self._store.notifications[notification.id]
        is_leased = stored.status is Status.QUEUED and stored.attempts == notification.attempts
        if stored.status is Status.SENT or not (is_leased or notification.status is Status.SENT):
            return False
        context = {} if notification.failure is Failure.ACCOUNT_DELETED else stored.context
        self._store.notifications[notification.id] = replace(
            notification, context=context, attempts=stored.attempts
        )
        return True


def _holds_up(earlier: Notification, later: Notification) -> bool:
    same_line = (earlier.account_id, earlier.priority) == (later.account_id, later.priority)
    is_earlier = (earlier.create_time, earlier.id) < (later.create_time, later.id)
    return same_line and is_earlier and earlier.due_time is not None and earlier.attempts <= 1


class FakeMailer:
    """`ports.Mailer` that keeps the mails; raises `errors` one after the other first."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.errors: list[Exception] = []

    async def send(self, mail: Mail) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.mails.append(mail)
