"""The contract of ClosedAccountStore, on the fake and on PostgreSQL."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from kit.testing.fixtures import database_url, postgres
from kit.values import Position
from order.addresses.domain import Address
from order.orders.domain import CancelReason, Status
from order.tests.store_contract import ADDRESS, NO_LIMITS, StoreHarness, harness, ids, postgres_harness

__all__ = ["database_url", "harness", "postgres", "postgres_harness"]


async def open_accounts(harness: StoreHarness, since: datetime) -> list[UUID]:
    accounts, end = await harness.closed_accounts.closed_accounts_with_open_orders((since, UUID(int=0)), 100)
    assert end is None
    return list(accounts)


async def test_open_orders_are_neither_delivered_nor_cancelled(harness: StoreHarness) -> None:
    pending, paid = await harness.place(2)
    await harness.place_cancelled()
    await harness.place(account=uuid4())
    await harness.change(paid, lambda stored: stored.payment_succeeded(True, harness.clock.now))

    async with harness.db.transaction() as tx:
        stored = await harness.closed_accounts.lock_open(tx, harness.account)
    assert sorted(order.status for order in stored) == [Status.CONFIRMED, Status.PENDING]
    assert set(ids(stored)) == {pending.id, paid.id}


async def test_anonymized_orders_keep_only_the_country_of_the_address(
    harness: StoreHarness,
) -> None:
    cancelled, declined = await harness.place(2)
    await harness.change(
        cancelled, lambda stored: stored.cancel(CancelReason.CUSTOMER, harness.clock.now, "I am John Doe")
    )
    await harness.change(declined, lambda stored: stored.payment_failed("card_declined", harness.clock.now))
    [other] = await harness.place(account=uuid4())

    async with harness.db.transaction() as tx:
        await harness.closed_accounts.anonymize(tx, harness.account)

    left = await harness.store.get(cancelled.id, None)
    assert left
    assert left.shipping_address == Address("", "", "", "", "", "", "CH")
    assert (left.status_reason, [change.note for change in left.history], left.version) == ("", ["", ""], 2)
    declined_order = await harness.store.get(declined.id, None)
    assert declined_order
    assert (declined_order.status_reason, declined_order.history[-1].note) == (
        "card_declined",
        "card_declined",
    )
    assert await harness.store.get(other.id, None) == other


async def test_a_closed_account_is_returned_while_it_has_orders_to_cancel_or_anonymize(
    harness: StoreHarness,
) -> None:
    now = harness.clock.now
    await harness.place()
    async with harness.db.transaction() as tx:
        await harness.closed_accounts.record_closed_account(tx, harness.account, now)
        await harness.closed_accounts.record_closed_account(tx, harness.account, now + timedelta(hours=1))
        await harness.closed_accounts.record_closed_account(tx, uuid4(), now)
    assert await open_accounts(harness, now) == [harness.account]
    assert not await open_accounts(harness, now + timedelta(seconds=1))

    async with harness.db.transaction() as tx:
        await harness.closed_accounts.anonymize(tx, harness.account)
        for order in await harness.closed_accounts.lock_open(tx, harness.account):
            order.account_deleted(now)
            await harness.store.save(tx, [order])
    assert not await open_accounts(harness, now)


async def test_a_billing_address_is_anonymized_with_or_without_a_shipping_address(
    harness: StoreHarness,
) -> None:
    both, billing_only = harness.new_order(), harness.new_order()
    both.event.order.billing_address = billing_only.event.order.billing_address = ADDRESS
    billing_only.event.order.shipping_address = None
    await harness.placing.place([both, billing_only], NO_LIMITS)
    for new in (both, billing_only):
        await harness.change(
            new.event.order, lambda stored: stored.payment_failed("card_declined", harness.clock.now)
        )

    async with harness.db.transaction() as tx:
        await harness.closed_accounts.record_closed_account(tx, harness.account, harness.clock.now)
    to_close = await open_accounts(harness, harness.clock.now)
    async with harness.db.transaction() as tx:
        await harness.closed_accounts.anonymize(tx, harness.account)

    left = await harness.store.get(billing_only.event.order.id, None)
    assert left
    assert (left.shipping_address, left.billing_address) == (None, Address("", "", "", "", "", "", "CH"))
    assert to_close == [harness.account]
    assert await open_accounts(harness, harness.clock.now) == []


async def test_a_customers_text_of_a_cancellation_is_anonymized_without_an_address(
    harness: StoreHarness,
) -> None:
    now, new = harness.clock.now, harness.new_order()
    new.event.order.shipping_address = None
    await harness.placing.place([new], NO_LIMITS)
    async with harness.db.transaction() as tx:
        await harness.closed_accounts.record_closed_account(tx, harness.account, now)
    # With the account's last access token.
    await harness.change(
        new.event.order, lambda stored: stored.cancel(CancelReason.CUSTOMER, now, "I am John Doe")
    )
    assert await open_accounts(harness, now) == [harness.account]

    async with harness.db.transaction() as tx:
        await harness.closed_accounts.anonymize(tx, harness.account)
    assert await open_accounts(harness, now) == []


async def test_a_note_is_erased_without_an_address(postgres_harness: StoreHarness) -> None:
    harness = postgres_harness
    order = await harness.place_cancelled()
    await harness.db.execute("UPDATE orders SET note = 'I am John Doe', shipping_address = NULL")
    async with harness.db.transaction() as tx:
        await harness.closed_accounts.record_closed_account(tx, harness.account, harness.clock.now)
    to_close = await open_accounts(harness, harness.clock.now)

    async with harness.db.transaction() as tx:
        await harness.closed_accounts.anonymize(tx, harness.account)

    left = await harness.store.get(order.id, None)
    assert left
    assert (left.note, to_close) == ("", [harness.account])
    assert await open_accounts(harness, harness.clock.now) == []


async def test_closed_accounts_are_looked_at_in_batches_to_the_end(harness: StoreHarness) -> None:
    now, accounts = harness.clock.now, sorted(uuid4() for _ in range(5))
    # All were deleted at one moment, and the first three have no orders.
    for account_id in accounts[3:]:
        await harness.place(account=account_id)
    async with harness.db.transaction() as tx:
        for account_id in accounts:
            await harness.closed_accounts.record_closed_account(tx, account_id, now)

    batches = []
    after: Position | None = (now, UUID(int=0))
    while after:
        batch, after = await harness.closed_accounts.closed_accounts_with_open_orders(after, 2)
        batches.append(batch)

    assert batches == [[], [accounts[3]], [accounts[4]]]
