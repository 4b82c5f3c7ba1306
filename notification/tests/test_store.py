"""The contract of NotificationStore, on the fake and on PostgreSQL; and what many claimers at once get of PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.db import CheckViolation, Database, Migrations, assert_tables_match
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.copy_rows import copy_rows
from kit.testing.fixtures import database_url, postgres
from notification.domain import Failure, Notification, Recipient, Status, Template
from notification.ports import NotificationFilter, NotificationStore
from notification.store import PostgresNotificationStore
from notification.tables import TABLES
from notification.tests.fakes import FakeNotificationStore, about_order, somebody

__all__ = ["database_url", "postgres"]

REPAIRS = Path("notification/migrations/0004_leases.sql").read_text()


@dataclass
class Kept:
    """A store with its database, fake or real."""

    db: Any
    store: NotificationStore
    clock: FakeClock

    async def knows(self, recipient: Recipient) -> Recipient:
        async with self.db.transaction() as tx:
            await self.store.put_recipient(tx, recipient)
        return recipient

    async def added(self, account_id: UUID, *, order_id: UUID | None = None) -> Notification:
        """A notification; the next one is a second younger."""
        notification = about_order(self.clock, account_id, order_id=order_id)
        async with self.db.transaction() as tx:
            await self.store.add(tx, [notification])
        self.clock.advance(seconds=1)
        return notification

    async def page(self, which: NotificationFilter | None = None) -> list[Notification]:
        return await self.store.page(which or NotificationFilter(), None, 100)

    async def claim(self, limit: int = 10) -> list[tuple[Notification, Recipient]]:
        return await self.store.claim(self.clock.now, self.clock.now + timedelta(seconds=20), limit)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[Kept]:
    await Migrations("notification").apply(database_url)
    db = Database(database_url, pool_size=10)
    await db.open()
    yield Kept(db, PostgresNotificationStore(db), FakeClock())
    await db.close()


@pytest.fixture(params=["fake", "postgresql"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "postgresql":
        real: Kept = request.getfixturevalue("real")
        return real
    return Kept(FakeDatabase(), FakeNotificationStore(), FakeClock())


async def test_a_notification_comes_back_as_it_was_with_the_address_known_by_then(kept: Kept) -> None:
    notification = await kept.added(uuid4())
    assert await kept.page() == [notification]

    recipient = await kept.knows(somebody(kept.clock, account_id=notification.account_id))
    assert await kept.page() == [replace(notification, recipient=recipient.email)]


async def test_a_fact_that_is_heard_again_changes_nothing(kept: Kept) -> None:
    recipient, order_id = await kept.knows(somebody(kept.clock)), uuid4()
    await kept.added(recipient.account_id, order_id=order_id)
    [(first, _)] = await kept.claim()
    first.sent(recipient.email, kept.clock())
    await kept.store.save(first)

    await kept.added(recipient.account_id, order_id=order_id)
    assert await kept.page() == [first]
    assert await kept.claim() == []


async def test_older_news_of_a_person_change_nothing(kept: Kept) -> None:
    older = somebody(kept.clock, email="old@souk.test")
    kept.clock.advance(seconds=1)
    newer = await kept.knows(somebody(kept.clock, account_id=older.account_id, email="new@souk.test"))
    await kept.knows(older)
    await kept.added(older.account_id)

    [(_, recipient)] = await kept.claim()
    assert recipient == newer


async def test_what_is_about_somebody_unknown_waits(kept: Kept) -> None:
    notification = await kept.added(uuid4())
    assert await kept.claim() == []
    await kept.knows(somebody(kept.clock, account_id=notification.account_id))
    assert [found.id for found, _ in await kept.claim()] == [notification.id]


async def test_a_leased_notification_is_claimed_again_once_its_lease_has_ended(kept: Kept) -> None:
    first, second = [await kept.added((await kept.knows(somebody(kept.clock))).account_id) for _ in range(2)]

    assert [found.id for found, _ in await kept.claim(1)] == [first.id]
    assert [found.id for found, _ in await kept.claim()] == [second.id]
    assert await kept.claim() == []
    kept.clock.advance(seconds=20)
    assert {found.attempts for found, _ in await kept.claim()} == {2}


async def test_a_link_that_a_person_waits_for_goes_before_all_other_mails(kept: Kept) -> None:
    for _ in range(20):
        await kept.added((await kept.knows(somebody(kept.clock))).account_id)
    person = await kept.knows(somebody(kept.clock))
    until = kept.clock() + timedelta(minutes=30)
    for template in (Template.PASSWORD_RESET, Template.EMAIL_VERIFICATION):
        link = Notification.with_link(template, uuid4(), person.account_id, {}, until, kept.clock())
        async with kept.db.transaction() as tx:
            await kept.store.add(tx, [link])
        assert [found.id for found, _ in await kept.claim(1)] == [link.id]
        link.sent(person.email, kept.clock())
        await kept.store.save(link)


async def test_one_person_with_many_mails_does_not_hold_up_the_others(kept: Kept) -> None:
    busy = await kept.knows(somebody(kept.clock))
    own = [await kept.added(busy.account_id) for _ in range(20)]
    other = await kept.added((await kept.knows(somebody(kept.clock))).account_id)

    assert [found.id for found, _ in await kept.claim()] == [own[0].id, other.id]


async def test_one_persons_mails_go_out_in_the_order_in_which_they_were_made(kept: Kept) -> None:
    recipient = await kept.knows(somebody(kept.clock))
    made = [await kept.added(recipient.account_id) for _ in range(3)]
    sent = []
    while claimed := await kept.claim():
        [(notification, _)] = claimed
        sent.append(notification.id)
        notification.sent(recipient.email, kept.clock())
        await kept.store.save(notification)
    assert sent == [each.id for each in made]


async def test_a_mail_that_failed_twice_holds_up_none_after_it(kept: Kept) -> None:
    recipient = await kept.knows(somebody(kept.clock))
    stuck, later = [await kept.added(recipient.account_id) for _ in range(2)]
    for _ in range(2):
        [(found, _)] = await kept.claim()
        assert found.id == stuck.id
        found.delayed(recipient.email, kept.clock())
        await kept.store.save(found)
        kept.clock.advance(seconds=1)
    assert [found.id for found, _ in await kept.claim()] == [later.id]


async def test_what_is_put_off_is_claimed_when_it_is_due_and_not_before(kept: Kept) -> None:
    recipient = await kept.knows(somebody(kept.clock))
    await kept.added(recipient.account_id)
    [(notification, _)] = await kept.claim()
    notification.delayed(recipient.email, kept.clock())
    await kept.store.save(notification)

    assert await kept.claim() == []
    kept.clock.advance(seconds=1)
    assert len(await kept.claim()) == 1


async def test_what_is_sent_or_refused_is_not_claimed_again(kept: Kept) -> None:
    for _ in range(2):
        await kept.added((await kept.knows(somebody(kept.clock))).account_id)
    (sent, recipient), (refused, _) = await kept.claim()
    sent.sent(recipient.email, kept.clock())
    refused.failed(recipient.email, Failure.REFUSED)
    for notification in (sent, refused):
        await kept.store.save(notification)

    kept.clock.advance(days=1)
    assert await kept.claim() == []
    assert {(found.status, found.failure) for found in await kept.page()} == {
        (Status.SENT, None),
        (Status.FAILED, Failure.REFUSED),
    }


async def test_what_is_sent_stays_sent_whoever_comes_late(kept: Kept) -> None:
    recipient = await kept.knows(somebody(kept.clock))
    await kept.added(recipient.account_id)
    [(slow, _)] = await kept.claim()
    kept.clock.advance(seconds=20)
    [(quick, _)] = await kept.claim()
    quick.sent(recipient.email, kept.clock())
    await kept.store.save(quick)
    slow.failed(recipient.email, Failure.REFUSED)
    await kept.store.save(slow)

    assert [found.status for found in await kept.page()] == [Status.SENT]


async def test_a_worker_that_lost_its_lease_changes_nothing(kept: Kept) -> None:
    recipient = await kept.knows(somebody(kept.clock))
    await kept.added(recipient.account_id)
    [(slow, _)] = await kept.claim()
    kept.clock.advance(seconds=20)
    [(quick, _)] = await kept.claim()
    slow.failed(recipient.email, Failure.REFUSED)
    assert not await kept.store.save(slow)
    quick.failed(recipient.email, Failure.EXPIRED)
    assert await kept.store.save(quick)
    slow.status, slow.failure = Status.QUEUED, None
    slow.delayed(recipient.email, kept.clock())
    assert not await kept.store.save(slow)

    kept.clock.advance(days=1)
    assert await kept.claim() == []
    assert [(found.status, found.failure) for found in await kept.page()] == [
        (Status.FAILED, Failure.EXPIRED)
    ]


async def test_a_mail_that_went_out_is_sent_though_the_lease_was_lost(kept: Kept) -> None:
    recipient = await kept.knows(somebody(kept.clock))
    await kept.added(recipient.account_id)
    [(slow, _)] = await kept.claim()
    kept.clock.advance(seconds=20)
    [(quick, _)] = await kept.claim()
    slow.sent(recipient.email, kept.clock())
    assert await kept.store.save(slow)
    quick.delayed(recipient.email, kept.clock())
    assert not await kept.store.save(quick)

    kept.clock.advance(days=1)
    assert await kept.claim() == []
    assert [found.status for found in await kept.page()] == [Status.SENT]


async def test_several_facts_are_written_at_once_and_those_heard_of_before_are_passed_over(
    kept: Kept,
) -> None:
    account_id = uuid4()
    known = await kept.added(account_id)
    new = [about_order(kept.clock, account_id) for _ in range(3)]
    async with kept.db.transaction() as tx:
        await kept.store.add(tx, [new[2], known, *new[:2]])
        await kept.store.add(tx, [])
    assert {each.id for each in await kept.page()} == {known.id, *(each.id for each in new)}


async def test_when_a_notification_expires_is_kept(kept: Kept) -> None:
    recipient = await kept.knows(somebody(kept.clock))
    until = kept.clock() + timedelta(minutes=30)
    wanted = Notification.with_link(
        Template.PASSWORD_RESET, uuid4(), recipient.account_id, {}, until, kept.clock()
    )
    async with kept.db.transaction() as tx:
        await kept.store.add(tx, [wanted])
    [(found, _)] = await kept.claim()
    assert found.expire_time == until


async def test_somebody_who_is_gone_leaves_no_name_no_address_and_no_content(kept: Kept) -> None:
    recipient = await kept.knows(somebody(kept.clock))
    await kept.added(recipient.account_id)
    [(sent, _)] = await kept.claim()
    sent.sent(recipient.email, kept.clock())
    await kept.store.save(sent)
    async with kept.db.transaction() as tx:
        await kept.store.forget(tx, recipient.account_id, kept.clock())
    kept.clock.advance(seconds=1)
    await kept.knows(somebody(kept.clock, account_id=recipient.account_id))

    [found] = await kept.page()
    assert (found.status, found.recipient, found.context) == (Status.SENT, "", {})
    await kept.added(recipient.account_id)
    [(_, gone)] = await kept.claim()
    assert (gone.name, gone.email, gone.is_gone) == ("", "", True)


async def test_somebody_may_be_gone_before_they_were_heard_of(kept: Kept) -> None:
    recipient = somebody(kept.clock)
    for _ in range(2):
        async with kept.db.transaction() as tx:
            await kept.store.forget(tx, recipient.account_id, kept.clock())
    await kept.knows(recipient)
    await kept.added(recipient.account_id)
    [(_, gone)] = await kept.claim()
    assert gone.is_gone


async def test_what_was_saved_after_its_account_was_gone_is_forgotten_again(kept: Kept) -> None:
    gone, other = await kept.knows(somebody(kept.clock)), await kept.knows(somebody(kept.clock))
    for recipient in (gone, other):
        await kept.added(recipient.account_id)
    leased = await kept.claim()
    since = kept.clock()
    async with kept.db.transaction() as tx:
        await kept.store.forget(tx, gone.account_id, since)
    for notification, recipient in leased:
        notification.sent(recipient.email, kept.clock())
        await kept.store.save(notification)

    await kept.store.forget_again(since + timedelta(seconds=1))
    assert {each.recipient for each in await kept.page()} == {gone.email, other.email}
    await kept.store.forget_again(since)
    assert {each.account_id: each.recipient for each in await kept.page()} == {
        gone.account_id: "",
        other.account_id: other.email,
    }


async def test_a_page_is_newest_first_and_goes_on_after_a_position(kept: Kept) -> None:
    account_id = uuid4()
    added = [await kept.added(account_id) for _ in range(3)]
    newest = added[2]
    which = NotificationFilter(account_id)

    assert [found.id for found in await kept.page(which)] == [each.id for each in reversed(added)]
    rest = await kept.store.page(which, (newest.create_time, newest.id), 1)
    assert [found.id for found in rest] == [added[1].id]


async def test_pages_and_counts_are_of_what_was_asked_for(kept: Kept) -> None:
    account_id, order_id = uuid4(), uuid4()
    await kept.added(account_id)
    await kept.added(account_id, order_id=order_id)
    await kept.added(uuid4())

    for which, count in (
        (NotificationFilter(), 3),
        (NotificationFilter(account_id), 2),
        (NotificationFilter(order_id=order_id), 1),
        (NotificationFilter(account_id, order_id), 1),
        (NotificationFilter(uuid4(), order_id), 0),
    ):
        assert (len(await kept.page(which)), await kept.store.count(which)) == (count, count)


async def test_of_many_orders_the_newest_are_answered_and_nobody_elses(kept: Kept) -> None:
    account_id = uuid4()
    orders = [uuid4() for _ in range(3)]
    added = [await kept.added(account_id, order_id=order_id) for order_id in orders]
    asked = [orders[0], orders[2], uuid4()]

    found = await kept.store.of_orders(asked, account_id, 20)
    assert [each.id for each in found] == [added[2].id, added[0].id]
    assert await kept.store.of_orders(asked, None, 20) == found
    assert await kept.store.of_orders(asked, uuid4(), 20) == []


async def test_the_newest_of_each_account_are_what_its_own_list_begins_with(kept: Kept) -> None:
    accounts, order_id = [uuid4() for _ in range(3)], uuid4()
    await kept.knows(somebody(kept.clock, account_id=accounts[0]))
    for account in [accounts[0]] * 4 + [accounts[1]]:
        await kept.added(account, order_id=order_id)
        await kept.added(account, order_id=uuid4())
    for which in (NotificationFilter(), NotificationFilter(None, order_id)):
        found = await kept.store.page_each(which, accounts, 3)
        totals = await kept.store.count_each(which, accounts)
        for account in accounts:
            own = replace(which, account_id=account)
            assert list(found.get(account, ())) == await kept.store.page(own, None, 3)
            assert totals.get(account, 0) == await kept.store.count(own)


async def test_the_declared_tables_are_the_migrated_ones(database_url: str) -> None:
    await Migrations("notification").apply(database_url)
    await assert_tables_match(database_url, TABLES)


@pytest.mark.parametrize("change", ["status = 'FAILED'", "status = 'SENT'", "due_time = NULL"])
async def test_a_notification_is_due_exactly_while_it_is_queued(real: Kept, change: str) -> None:
    await real.added(uuid4())
    with pytest.raises(CheckViolation):
        await real.db.execute(f"UPDATE notifications SET {change}")


async def test_the_migration_ends_what_came_due_after_its_end(real: Kept) -> None:
    for _ in range(3):
        await real.added((await real.knows(somebody(real.clock))).account_id)
    (failed, _), (stuck, _), _ = await real.claim()
    await real.db.execute("ALTER TABLE notifications DROP CONSTRAINT notifications_due_while_queued")
    await real.db.execute("UPDATE notifications SET status = 'FAILED' WHERE id = $1", failed.id)
    await real.db.execute("UPDATE notifications SET due_time = NULL WHERE id = $1", stuck.id)

    real.clock.advance(minutes=1)
    assert failed.id not in [each.id for each, _ in await real.claim()]
    await real.db.execute(REPAIRS)

    rows = await real.db.fetch("SELECT id, due_time FROM notifications")
    assert [row["id"] for row in rows if row["due_time"] is None] == [failed.id]


async def test_many_claimers_get_each_notification_once(real: Kept) -> None:
    added = [await real.added((await real.knows(somebody(real.clock))).account_id) for _ in range(40)]
    claims = await asyncio.gather(*(asyncio.create_task(real.claim(5), context=Context()) for _ in range(12)))

    claimed = [found.id for claim in claims for found, _ in claim]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) == {each.id for each in added}


async def test_a_history_is_counted_exactly_to_ten_thousand_and_not_beyond(real: Kept) -> None:
    made = await real.added(uuid4(), order_id=uuid4())
    lists = [
        NotificationFilter(),
        NotificationFilter(account_id=made.account_id),
        NotificationFilter(order_id=made.order_id),
    ]
    for more, expected in ((9_999, 10_000), (1, None)):
        await copy_rows(real.db, "notifications", more, id="gen_random_uuid()")
        assert [await real.store.count(which) for which in lists] == [expected] * 3
        each = await real.store.count_each(NotificationFilter(), [made.account_id])
        assert each == {made.account_id: expected}
