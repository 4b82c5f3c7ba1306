"""What is not kept of notifications: their content, later themselves; and those whose account never becomes known are given up."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kit.db import Database, Migrations
from kit.settings import load
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.values import utc_now
from notification.domain import Failure, Notification, Recipient, Status
from notification.ports import NotificationFilter
from notification.retention import retentions
from notification.settings import Settings
from notification.store import PostgresNotificationStore
from notification.tests.fakes import about_order

__all__ = ["database_url", "postgres"]


class World:
    """Notifications on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.store = PostgresNotificationStore(db)

    async def queued(self, *, days_ago: float, known: bool = True) -> UUID:
        account, now = uuid4(), utc_now()
        notification = about_order(FakeClock(), account)
        async with self.db.transaction() as tx:
            if known:
                await self.store.put_recipient(tx, Recipient(account, "Jane", "jane@example.com", now))
            await self.store.add(tx, [notification])
        await self.db.execute(
            "UPDATE notifications SET create_time = now() - $2::interval WHERE id = $1",
            notification.id,
            timedelta(days=days_ago),
        )
        return notification.id

    async def sent(self, *, days_ago: float) -> UUID:
        notification_id = await self.queued(days_ago=days_ago)
        await self.db.execute(
            "UPDATE notifications SET status = 'SENT', due_time = NULL, send_time = create_time, recipient = 'jane@example.com' "
            "WHERE id = $1",
            notification_id,
        )
        return notification_id

    async def prune(self) -> None:
        for job in retentions(self.db, load(Settings, {"PROFILE": "development"})):
            await job.prune()

    async def now(self) -> dict[UUID, Notification]:
        return {each.id: each for each in await self.store.page(NotificationFilter(), None, 100)}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    await Migrations("notification").apply(database_url)
    db = Database(database_url)
    await db.open()
    yield World(db)
    await db.close()


async def test_the_content_goes_after_a_month_and_the_notification_after_a_year(world: World) -> None:
    old, reduced, recent = [await world.sent(days_ago=days) for days in (366, 31, 29)]

    await world.prune()

    left = await world.now()
    assert old not in left
    assert left[reduced].context == {}
    assert (left[reduced].status, left[reduced].recipient) == (Status.SENT, "jane@example.com")
    assert left[recent].context


async def test_a_mail_that_still_waits_keeps_what_it_is_made_of(world: World) -> None:
    waiting = await world.queued(days_ago=400)

    await world.prune()

    left = await world.now()
    assert left[waiting].context
    assert left[waiting].status is Status.QUEUED


async def test_a_mail_to_an_account_that_never_becomes_known_is_given_up_after_a_week(world: World) -> None:
    late, recent = [await world.queued(days_ago=days, known=False) for days in (8, 6)]

    await world.prune()

    left = await world.now()
    assert (left[late].status, left[late].failure) == (Status.FAILED, Failure.NO_RECIPIENT)
    assert (left[late].due_time, left[late].context) == (None, {})
    assert left[recent].status is Status.QUEUED
