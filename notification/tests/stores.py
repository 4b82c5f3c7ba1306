"""The three stores together, in memory and on PostgreSQL, for the contract tests of the aggregates."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kit.db import Database
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from notification.mail.ports import Due, MailQueue
from notification.mail.store import PostgresMailQueue
from notification.mail.tests.fakes import FakeMailQueue
from notification.notifications.domain import Notification
from notification.notifications.ports import NotificationFilter, NotificationStore
from notification.notifications.store import PostgresNotificationStore
from notification.notifications.tests.fakes import FakeNotificationStore, about_order
from notification.recipients.domain import Recipient
from notification.recipients.ports import RecipientStore
from notification.recipients.store import PostgresRecipientStore
from notification.recipients.tests.fakes import FakeRecipientStore, john

__all__ = ["Stores", "database_url", "postgres", "real", "stores"]


@dataclass
class Stores:
    """The stores of one database, with short ways to fill them."""

    db: Any
    recipients: RecipientStore
    notifications: NotificationStore
    queue: MailQueue
    clock: FakeClock

    @classmethod
    def fake(cls) -> "Stores":
        recipients = FakeRecipientStore()
        notifications = FakeNotificationStore(recipients)
        return cls(FakeDatabase(), recipients, notifications, FakeMailQueue(notifications), FakeClock())

    @classmethod
    def on(cls, db: Database) -> "Stores":
        return cls(
            *(db, PostgresRecipientStore(), PostgresNotificationStore(db), PostgresMailQueue(db), FakeClock())
        )

    async def save_recipient(self, recipient: Recipient | None = None) -> Recipient:
        """Saves the recipient, by default that of a new account."""
        recipient = recipient or john(self.clock)
        async with self.db.transaction() as tx:
            await self.recipients.upsert(tx, [recipient])
        return recipient

    async def erase(self, account_id: UUID) -> None:
        """What a deleted account sets off."""
        async with self.db.transaction() as tx:
            await self.recipients.delete(tx, account_id, self.clock())
            await self.notifications.erase(tx, account_id)

    async def add(self, *notifications: Notification) -> None:
        async with self.db.transaction() as tx:
            await self.notifications.add(tx, notifications)

    async def queue_one(self, account_id: UUID, *, order_id: UUID | None = None) -> Notification:
        """Adds a notification; the next one will be a second younger."""
        notification = about_order(self.clock, account_id, order_id=order_id)
        await self.add(notification)
        self.clock.advance(seconds=1)
        return notification

    async def queue_many(self, count: int) -> list[Notification]:
        """One notification for each of `count` new accounts."""
        return [await self.queue_one((await self.save_recipient()).account_id) for _ in range(count)]

    async def page(self, filter: NotificationFilter | None = None) -> list[Notification]:
        return await self.notifications.page(filter or NotificationFilter(), None, 100)

    async def claim(self, limit: int = 10) -> list[Due]:
        return await self.queue.claim(self.clock.now, self.clock.now + timedelta(seconds=20), limit)

    async def save(self, notification: Notification) -> bool:
        """Saves the result of an attempt."""
        [is_saved] = await self.queue.save([notification])
        return is_saved

    async def claimed_ids(self, limit: int = 10) -> list[UUID]:
        return [notification.id for notification, _ in await self.claim(limit)]


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[Stores]:
    async with migrated(database_url, "notification", pool_size=10) as db:
        yield Stores.on(db)


@pytest.fixture(params=["fake", "postgresql"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "postgresql":
        real: Stores = request.getfixturevalue("real")
        return real
    return Stores.fake()
