"""The contract of RecipientStore, in memory and on PostgreSQL; read back through the queue, as the service does."""

from dataclasses import replace
from datetime import timedelta

from notification.notifications.domain import Status
from notification.recipients.domain import OrderLink
from notification.recipients.tests.fakes import john
from notification.tests.stores import Stores, database_url, postgres, real, stores

__all__ = ["database_url", "postgres", "real", "stores"]


async def test_an_older_version_of_a_recipient_changes_nothing(stores: Stores) -> None:
    older = john(stores.clock, email="old@souk.test")
    stores.clock.advance(seconds=1)
    newer = await stores.save_recipient(
        john(stores.clock, account_id=older.account_id, email="new@souk.test")
    )
    await stores.save_recipient(older)
    await stores.queue_one(older.account_id)

    [(_, recipient)] = await stores.claim()
    assert recipient == newer


async def test_a_deleted_recipient_keeps_no_name_address_or_content(stores: Stores) -> None:
    recipient = await stores.save_recipient()
    await stores.queue_one(recipient.account_id)
    [(sent, _)] = await stores.claim()
    sent.mark_sent(recipient.email, stores.clock())
    await stores.save(sent)
    await stores.erase(recipient.account_id)
    stores.clock.advance(seconds=1)
    await stores.save_recipient(john(stores.clock, account_id=recipient.account_id))

    [notification] = await stores.page()
    assert (notification.status, notification.recipient, notification.context) == (Status.SENT, "", {})
    await stores.queue_one(recipient.account_id)
    [(_, deleted)] = await stores.claim()
    assert (deleted.name, deleted.email, deleted.is_deleted) == ("", "", True)


async def test_a_recipient_may_be_deleted_before_it_was_ever_saved(stores: Stores) -> None:
    recipient = john(stores.clock)
    for _ in range(2):
        await stores.erase(recipient.account_id)
    await stores.save_recipient(recipient)
    await stores.queue_one(recipient.account_id)
    [(_, deleted)] = await stores.claim()
    assert deleted.is_deleted


async def test_recipients_of_many_events_are_saved_together_and_one_after_the_other(stores: Stores) -> None:
    first, other = john(stores.clock, email="first@souk.test"), john(stores.clock, email="other@souk.test")
    stores.clock.advance(seconds=1)
    second = john(stores.clock, account_id=first.account_id, email="second@souk.test")
    async with stores.db.transaction() as tx:
        await stores.recipients.upsert(tx, [first, other, second, first])
        await stores.recipients.upsert(tx, [])
    for account_id in (first.account_id, other.account_id):
        await stores.queue_one(account_id)

    assert {recipient.email for _, recipient in await stores.claim()} == {
        "second@souk.test",
        "other@souk.test",
    }


async def test_a_guests_link_is_kept_by_a_later_version_among_the_same_events(stores: Stores) -> None:
    link = OrderLink(b"sealed", stores.clock() + timedelta(days=30))
    guest = replace(john(stores.clock), is_guest=True, order_link=link)
    async with stores.db.transaction() as tx:
        await stores.recipients.upsert(tx, [guest, replace(guest, name="Jane", order_link=None)])
    await stores.queue_one(guest.account_id)

    assert [recipient for _, recipient in await stores.claim()] == [replace(guest, name="Jane")]
