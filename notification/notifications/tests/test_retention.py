"""Retention: first the content of notifications is erased, then they are deleted; those for an unknown account are given up."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kit.db import Database
from kit.settings import load
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from kit.values import utc_now
from notification.notifications.domain import Failure, Notification, Status
from notification.notifications.ports import NotificationFilter
from notification.notifications.retention import retentions
from notification.notifications.store import PostgresNotificationStore
from notification.notifications.tests.fakes import about_order
from notification.recipients.domain import Recipient
from notification.recipients.store import PostgresRecipientStore
from notification.settings import Settings

__all__ = ["database_url", "postgres"]


class History:
    """Notifications on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.store = PostgresNotificationStore(db)

    async def add_queued(self, *, days_ago: float, known: bool = True) -> UUID:
        account, now = uuid4(), utc_now()
        notification = about_order(FakeClock(), account)
        async with self.db.transaction() as tx:
            if known:
                await PostgresRecipientStore().upsert(
                    tx, [Recipient(account, "Jane", "jane@example.com", now)]
                )
            await self.store.add(tx, [notification])
        await self.db.execute(
            "UPDATE notifications SET create_time = now() - $2::interval WHERE id = $1",
            notification.id,
            timedelta(days=days_ago),
        )
        return notification.id

    async def add_sent(self, *, days_ago: float) -> UUID:
        notification_id = await self.add_queued(days_ago=days_ago)
        await self.db.execute(
            "UPDATE notifications SET status = 'SENT', due_time = NULL, send_time = create_time, recipient = 'jane@example.com' "
            "WHERE id = $1",
            notification_id,
        )
        return notification_id

    async def prune(self) -> None:
        for job in retentions(self.db, load(Settings, {"PROFILE": "development"})):
            await job.prune()

    async def rows(self) -> dict[UUID, Notification]:
        return {row.id: row for row in await self.store.page(NotificationFilter(), None, 100)}


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    async with migrated(database_url, "notification") as db:
        yield History(db)


async def test_the_content_is_erased_after_a_month_and_the_notification_deleted_after_a_year(
    history: History,
) -> None:
    old, reduced, recent = [await history.add_sent(days_ago=days) for days in (366, 31, 29)]

    await history.prune()

    rows = await history.rows()
    assert old not in rows
    assert rows[reduced].context == {}
    assert (rows[reduced].status, rows[reduced].recipient) == (Status.SENT, "jane@example.com")
    assert rows[recent].context


async def test_a_queued_notification_keeps_its_content(history: History) -> None:
    waiting = await history.add_queued(days_ago=400)

    await history.prune()

    rows = await history.rows()
    assert rows[waiting].context
    assert rows[waiting].status is Status.QUEUED


async def test_a_notification_for_an_unknown_account_is_given_up_after_a_week(history: History) -> None:
    late, recent = [await history.add_queued(days_ago=days, known=False) for days in (8, 6)]

    await history.prune()

    rows = await history.rows()
    assert (rows[late].status, rows[late].failure) == (Status.FAILED, Failure.NO_RECIPIENT)
    assert (rows[late].due_time, rows[late].context) == (None, {})
    assert rows[recent].status is Status.QUEUED
