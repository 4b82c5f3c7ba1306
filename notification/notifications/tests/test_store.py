"""The contract of NotificationStore, in memory and on PostgreSQL."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from kit.db import CheckViolation, Migrations, assert_tables_match
from kit.errors import JsonValue
from kit.testing.copy_rows import copy_rows
from notification.notifications.domain import Notification, Template
from notification.notifications.ports import NotificationFilter
from notification.notifications.tests.fakes import about_order
from notification.recipients.tests.fakes import john
from notification.tables import TABLES
from notification.tests.stores import Stores, database_url, postgres, real, stores

__all__ = ["database_url", "postgres", "real", "stores"]

REPAIRS = Path("notification/migrations/0004_leases.sql").read_text()


async def test_a_notification_is_read_back_as_written_with_the_address_once_it_is_known(
    stores: Stores,
) -> None:
    notification = await stores.queue_one(uuid4())
    assert await stores.page() == [notification]

    recipient = await stores.save_recipient(john(stores.clock, account_id=notification.account_id))
    assert await stores.page() == [replace(notification, recipient=recipient.email)]


async def test_a_repeated_event_changes_nothing(stores: Stores) -> None:
    recipient, order_id = await stores.save_recipient(), uuid4()
    await stores.queue_one(recipient.account_id, order_id=order_id)
    [(first, _)] = await stores.claim()
    first.mark_sent(recipient.email, stores.clock())
    await stores.save(first)

    await stores.queue_one(recipient.account_id, order_id=order_id)
    assert await stores.page() == [first]
    assert await stores.claim() == []


async def test_several_notifications_are_added_at_once_and_existing_ones_are_skipped(stores: Stores) -> None:
    account_id = uuid4()
    existing = await stores.queue_one(account_id)
    new = [about_order(stores.clock, account_id) for _ in range(3)]
    await stores.add(new[2], existing, *new[:2])
    await stores.add()
    assert {notification.id for notification in await stores.page()} == {existing.id, *(n.id for n in new)}


async def test_the_expire_time_is_stored(stores: Stores) -> None:
    recipient = await stores.save_recipient()
    expire_time = stores.clock() + timedelta(minutes=30)
    await stores.add(
        Notification.with_link(
            Template.PASSWORD_RESET, uuid4(), recipient.account_id, {}, expire_time, stores.clock()
        )
    )
    [(notification, _)] = await stores.claim()
    assert notification.expire_time == expire_time


async def test_an_address_saved_after_its_account_was_deleted_is_erased_by_the_sweep(stores: Stores) -> None:
    deleted, other = await stores.save_recipient(), await stores.save_recipient()
    for recipient in (deleted, other):
        await stores.queue_one(recipient.account_id)
    leased = await stores.claim()
    since = stores.clock()
    await stores.erase(deleted.account_id)
    for notification, recipient in leased:
        notification.mark_sent(recipient.email, stores.clock())
        await stores.save(notification)

    await stores.notifications.erase_late_arrivals(since + timedelta(seconds=1))
    assert {notification.recipient for notification in await stores.page()} == {deleted.email, other.email}
    await stores.notifications.erase_late_arrivals(since)
    assert {notification.account_id: notification.recipient for notification in await stores.page()} == {
        deleted.account_id: "",
        other.account_id: other.email,
    }


async def test_a_page_is_newest_first_and_continues_after_a_position(stores: Stores) -> None:
    account_id = uuid4()
    added = [await stores.queue_one(account_id) for _ in range(3)]
    newest = added[2]
    filter = NotificationFilter(account_id)

    assert [n.id for n in await stores.page(filter)] == [n.id for n in reversed(added)]
    rest = await stores.notifications.page(filter, (newest.create_time, newest.id), 1)
    assert [notification.id for notification in rest] == [added[1].id]


async def test_pages_and_counts_obey_the_filter(stores: Stores) -> None:
    account_id, order_id = uuid4(), uuid4()
    await stores.queue_one(account_id)
    await stores.queue_one(account_id, order_id=order_id)
    await stores.queue_one(uuid4())

    for filter, count in (
        (NotificationFilter(), 3),
        (NotificationFilter(account_id), 2),
        (NotificationFilter(order_id=order_id), 1),
        (NotificationFilter(account_id, order_id), 1),
        (NotificationFilter(uuid4(), order_id), 0),
    ):
        assert (len(await stores.page(filter)), await stores.notifications.count(filter)) == (count, count)


async def test_the_newest_of_many_orders_are_found_and_only_the_owners(stores: Stores) -> None:
    account_id = uuid4()
    orders = [uuid4() for _ in range(3)]
    added = [await stores.queue_one(account_id, order_id=order_id) for order_id in orders]
    requested = [orders[0], orders[2], uuid4()]

    result = await stores.notifications.find_by_orders(requested, account_id, 20)
    assert [notification.id for notification in result] == [added[2].id, added[0].id]
    assert await stores.notifications.find_by_orders(requested, None, 20) == result
    assert await stores.notifications.find_by_orders(requested, uuid4(), 20) == []


async def test_the_pages_by_account_equal_each_accounts_own_first_page(stores: Stores) -> None:
    accounts, order_id = [uuid4() for _ in range(3)], uuid4()
    await stores.save_recipient(john(stores.clock, account_id=accounts[0]))
    for account in [accounts[0]] * 4 + [accounts[1]]:
        await stores.queue_one(account, order_id=order_id)
        await stores.queue_one(account, order_id=uuid4())
    for filter in (NotificationFilter(), NotificationFilter(None, order_id)):
        pages = await stores.notifications.page_by_account(filter, accounts, 3)
        totals = await stores.notifications.count_by_account(filter, accounts)
        for account in accounts:
            own = replace(filter, account_id=account)
            assert list(pages.get(account, ())) == await stores.notifications.page(own, None, 3)
            assert totals.get(account, 0) == await stores.notifications.count(own)


async def test_the_declared_tables_are_the_migrated_ones(database_url: str) -> None:
    await Migrations("notification").apply(database_url)
    await assert_tables_match(database_url, TABLES)


@pytest.mark.parametrize("change", ["status = 'FAILED'", "status = 'SENT'", "due_time = NULL"])
async def test_a_notification_is_due_exactly_while_it_is_queued(real: Stores, change: str) -> None:
    await real.queue_one(uuid4())
    with pytest.raises(CheckViolation):
        await real.db.execute(f"UPDATE notifications SET {change}")


async def test_the_migration_clears_the_due_time_of_finished_notifications(real: Stores) -> None:
    await real.queue_many(3)
    (failed, _), (stuck, _), _ = await real.claim()
    await real.db.execute("ALTER TABLE notifications DROP CONSTRAINT notifications_due_while_queued")
    await real.db.execute("UPDATE notifications SET status = 'FAILED' WHERE id = $1", failed.id)
    await real.db.execute("UPDATE notifications SET due_time = NULL WHERE id = $1", stuck.id)

    await real.db.execute(REPAIRS)

    rows = await real.db.fetch("SELECT id, due_time FROM notifications")
    assert [row["id"] for row in rows if row["due_time"] is None] == [failed.id]


async def test_the_count_is_exact_up_to_ten_thousand_and_unknown_beyond(real: Stores) -> None:
    notification = await real.queue_one(uuid4(), order_id=uuid4())
    filters = [
        NotificationFilter(),
        NotificationFilter(account_id=notification.account_id),
        NotificationFilter(order_id=notification.order_id),
    ]
    for more, expected in ((9_999, 10_000), (1, None)):
        await copy_rows(real.db, "notifications", more, id="gen_random_uuid()")
        assert [await real.notifications.count(filter) for filter in filters] == [expected] * 3
        by_account = await real.notifications.count_by_account(
            NotificationFilter(), [notification.account_id]
        )
        assert by_account == {notification.account_id: expected}


async def test_a_mail_about_a_refund_calls_its_order_by_the_number_of_earlier_mails(stores: Stores) -> None:
    order_id, other_id = uuid4(), uuid4()
    confirmed = about_order(stores.clock, uuid4(), order_id=order_id)
    confirmed.context = {**confirmed.context, "order_number": "1042"}
    await stores.add(confirmed)
    context: dict[str, JsonValue] = {"order_id": "ord_1", "amount": "5.00", "currency": "USD"}
    for refunded in (order_id, other_id):
        await stores.add(
            Notification.about_refund(uuid4(), refunded, confirmed.account_id, context, stores.clock())
        )

    rows = await stores.notifications.page(NotificationFilter(), None, 10)

    numbers = {
        row.order_id: row.context.get("order_number") for row in rows if row.template is Template.REFUNDED
    }
    assert numbers == {order_id: "1042", other_id: None}
