"""The contract of MailQueue, in memory and on PostgreSQL; and concurrent claims on PostgreSQL."""

import asyncio
from contextvars import Context
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from kit.testing.rows_read import rows_read
from notification.notifications.domain import Failure, Notification, Status, Template
from notification.recipients.tests.fakes import john
from notification.tests.stores import Stores, database_url, postgres, real, stores

__all__ = ["database_url", "postgres", "real", "stores"]


async def test_a_notification_for_an_unknown_account_waits(stores: Stores) -> None:
    notification = await stores.queue_one(uuid4())
    assert await stores.claim() == []
    await stores.save_recipient(john(stores.clock, account_id=notification.account_id))
    assert await stores.claimed_ids() == [notification.id]


async def test_a_leased_notification_is_claimed_again_once_its_lease_has_expired(stores: Stores) -> None:
    first, second = await stores.queue_many(2)

    assert await stores.claimed_ids(1) == [first.id]
    assert await stores.claimed_ids() == [second.id]
    assert await stores.claim() == []
    stores.clock.advance(seconds=20)
    assert {notification.attempts for notification, _ in await stores.claim()} == {2}


async def test_a_link_that_a_user_waits_for_is_sent_before_all_other_mails(stores: Stores) -> None:
    await stores.queue_many(20)
    recipient = await stores.save_recipient()
    expire_time = stores.clock() + timedelta(minutes=30)
    for template in (Template.PASSWORD_RESET, Template.EMAIL_VERIFICATION):
        link = Notification.with_link(
            template, uuid4(), recipient.account_id, {}, expire_time, stores.clock()
        )
        await stores.add(link)
        assert await stores.claimed_ids(1) == [link.id]
        link.mark_sent(recipient.email, stores.clock())
        await stores.save(link)


async def test_an_account_with_many_mails_does_not_hold_up_the_others(stores: Stores) -> None:
    busy = await stores.save_recipient()
    own = [await stores.queue_one(busy.account_id) for _ in range(20)]
    [other] = await stores.queue_many(1)

    assert await stores.claimed_ids() == [own[0].id, other.id]


async def test_an_accounts_mails_are_sent_in_the_order_of_their_creation(stores: Stores) -> None:
    recipient = await stores.save_recipient()
    queued = [await stores.queue_one(recipient.account_id) for _ in range(3)]
    sent = []
    while claimed := await stores.claim():
        [(notification, _)] = claimed
        sent.append(notification.id)
        notification.mark_sent(recipient.email, stores.clock())
        await stores.save(notification)
    assert sent == [notification.id for notification in queued]


async def test_a_mail_that_failed_twice_holds_up_none_after_it(stores: Stores) -> None:
    recipient = await stores.save_recipient()
    stuck, later = [await stores.queue_one(recipient.account_id) for _ in range(2)]
    for _ in range(2):
        [(claimed, _)] = await stores.claim()
        assert claimed.id == stuck.id
        claimed.schedule_retry(recipient.email, stores.clock())
        await stores.save(claimed)
        stores.clock.advance(seconds=1)
    assert await stores.claimed_ids() == [later.id]


async def test_a_deferred_notification_is_claimed_once_it_is_due(stores: Stores) -> None:
    recipient = await stores.save_recipient()
    await stores.queue_one(recipient.account_id)
    [(notification, _)] = await stores.claim()
    notification.schedule_retry(recipient.email, stores.clock())
    await stores.save(notification)

    assert await stores.claim() == []
    stores.clock.advance(seconds=1)
    assert len(await stores.claim()) == 1


async def test_a_sent_or_rejected_notification_is_not_claimed_again(stores: Stores) -> None:
    await stores.queue_many(2)
    (sent, recipient), (rejected, _) = await stores.claim()
    sent.mark_sent(recipient.email, stores.clock())
    rejected.fail(recipient.email, Failure.REJECTED)
    for notification in (sent, rejected):
        await stores.save(notification)

    stores.clock.advance(days=1)
    assert await stores.claim() == []
    assert {(notification.status, notification.failure) for notification in await stores.page()} == {
        (Status.SENT, None),
        (Status.FAILED, Failure.REJECTED),
    }


async def _claim_twice(stores: Stores) -> tuple[Notification, Notification, str]:
    """One notification, claimed by a slow worker whose lease expires, then by a second one; and its address."""
    recipient = await stores.save_recipient()
    await stores.queue_one(recipient.account_id)
    [(slow, _)] = await stores.claim()
    stores.clock.advance(seconds=20)
    [(second, _)] = await stores.claim()
    return slow, second, recipient.email


async def test_a_late_failure_does_not_overwrite_sent(stores: Stores) -> None:
    slow, second, email = await _claim_twice(stores)
    second.mark_sent(email, stores.clock())
    await stores.save(second)
    slow.fail(email, Failure.REJECTED)
    await stores.save(slow)

    assert [notification.status for notification in await stores.page()] == [Status.SENT]


async def test_a_worker_that_lost_its_lease_changes_nothing(stores: Stores) -> None:
    slow, second, email = await _claim_twice(stores)
    slow.fail(email, Failure.REJECTED)
    assert not await stores.save(slow)
    second.fail(email, Failure.EXPIRED)
    assert await stores.save(second)
    slow.status, slow.failure = Status.QUEUED, None
    slow.schedule_retry(email, stores.clock())
    assert not await stores.save(slow)

    stores.clock.advance(days=1)
    assert await stores.claim() == []
    assert [(notification.status, notification.failure) for notification in await stores.page()] == [
        (Status.FAILED, Failure.EXPIRED)
    ]


async def test_a_sent_mail_is_saved_even_if_the_lease_was_lost(stores: Stores) -> None:
    slow, second, email = await _claim_twice(stores)
    slow.mark_sent(email, stores.clock())
    assert await stores.save(slow)
    second.schedule_retry(email, stores.clock())
    assert not await stores.save(second)

    stores.clock.advance(days=1)
    assert await stores.claim() == []
    assert [notification.status for notification in await stores.page()] == [Status.SENT]


async def test_concurrent_claims_get_every_notification_once(real: Stores) -> None:
    queued = await real.queue_many(40)
    claims = await asyncio.gather(*(asyncio.create_task(real.claim(5), context=Context()) for _ in range(12)))

    claimed = [notification.id for claim in claims for notification, _ in claim]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) == {notification.id for notification in queued}


async def test_many_results_are_saved_together(stores: Stores) -> None:
    await stores.queue_many(4)
    (sent, recipient), (rejected, _), (deferred, _), (deleted, _) = await stores.claim()
    sent.mark_sent(recipient.email, stores.clock())
    rejected.fail("jane@souk.test", Failure.REJECTED)
    deferred.schedule_retry("jim@souk.test", stores.clock())
    deleted.fail("", Failure.ACCOUNT_DELETED)

    assert await stores.queue.save([deferred, sent, deleted, rejected]) == [True] * 4
    page = {notification.id: notification for notification in await stores.page()}
    for saved in (sent, rejected, deferred):
        assert replace(page[saved.id], create_time=saved.create_time) == saved
    assert page[deleted.id].context == {}
    assert await stores.queue.save([deferred, sent]) == [True, False]
    assert await stores.queue.save([]) == []


async def test_a_result_of_a_lost_lease_among_others_changes_nothing(stores: Stores) -> None:
    slow, second, email = await _claim_twice(stores)
    [other] = await stores.queue_many(1)
    [(other, recipient)] = await stores.claim()
    slow.fail(email, Failure.REJECTED)
    other.mark_sent(recipient.email, stores.clock())
    assert await stores.queue.save([slow, other]) == [False, True]

    second.mark_sent(email, stores.clock())
    assert await stores.save(second)
    assert [notification.status for notification in await stores.page()] == [Status.SENT] * 2


async def test_of_several_results_of_one_mail_sent_is_kept(stores: Stores) -> None:
    slow, second, email = await _claim_twice(stores)
    slow.mark_sent(email, stores.clock())
    second.schedule_retry(email, stores.clock())
    assert await stores.queue.save([second, slow, second]) == [True, True, False]
    stores.clock.advance(days=1)
    assert await stores.claim() == []


async def test_a_claim_of_ten_keeps_the_order_of_each_accounts_mails_and_takes_links_first(
    stores: Stores,
) -> None:
    accounts = [await stores.save_recipient() for _ in range(12)]
    queued = [[await stores.queue_one(account.account_id) for account in accounts] for _ in range(2)]
    expire_time = stores.clock() + timedelta(minutes=30)
    link = Notification.with_link(
        Template.PASSWORD_RESET, uuid4(), accounts[11].account_id, {}, expire_time, stores.clock()
    )
    await stores.add(link)

    sent: list[UUID] = []
    while claimed := await stores.claim(10):
        for notification, recipient in claimed:
            notification.mark_sent(recipient.email, stores.clock())
            sent.append(notification.id)
        assert all(await stores.queue.save([notification for notification, _ in claimed]))
    assert link.id in sent[:10]
    for first, second in zip(*queued, strict=True):
        assert sent.index(first.id) < sent.index(second.id)


async def test_a_claim_reads_few_rows_of_a_long_queue_that_was_empty_when_the_plan_was_made(
    real: Stores,
) -> None:
    accounts = [(await real.save_recipient()).account_id for _ in range(40)]
    await _send_all(real, accounts)
    await real.db.execute("ALTER TABLE notifications SET (autovacuum_enabled = off)")
    await real.db.execute("ANALYZE notifications, recipients")
    assert await real.claim() == []
    for account_id in accounts * 25:
        await real.queue_one(account_id)
    before = await rows_read(real.db)

    assert len(await real.claim()) == 10

    assert await rows_read(real.db) - before < 300


async def _send_all(stores: Stores, accounts: list[UUID]) -> None:
    for account_id in accounts * 5:
        notification = await stores.queue_one(account_id)
        notification.mark_sent("", stores.clock())
        await stores.save(notification)
