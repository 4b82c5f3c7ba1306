"""The contract of PaymentStore, on the fake and on PostgreSQL."""

from uuid import uuid4

from kit.testing.fixtures import database_url, postgres
from payment.tests.fakes import new_payment
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


async def test_a_payment_is_read_back_complete(harness: StoreHarness) -> None:
    payment = await harness.add()
    assert await harness.get(payment) == payment
    assert await harness.store.find_by_orders([payment.order_id, uuid4()], None) == [payment]


async def test_an_order_has_one_payment(harness: StoreHarness) -> None:
    payment = await harness.add()
    async with harness.db.transaction() as tx:
        assert not await harness.store.add(
            tx, [new_payment(harness.clock, order_id=payment.order_id, minor=1)]
        )
    assert await harness.get(payment) == payment


async def test_a_batch_adds_the_first_payment_of_each_new_order(harness: StoreHarness) -> None:
    existing = await harness.add()
    again, first, other = (
        new_payment(harness.clock, order_id=existing.order_id, minor=1),
        new_payment(harness.clock),
        new_payment(harness.clock),
    )
    duplicate = new_payment(harness.clock, order_id=first.order_id, minor=2)
    async with harness.db.transaction() as tx:
        added = await harness.store.add(tx, [again, first, duplicate, other])
    assert added == {first.id, other.id}
    orders = [existing.order_id, first.order_id, other.order_id]
    payments = await harness.store.find_by_orders(orders, None)
    assert sorted(payments, key=lambda p: p.id) == sorted([existing, first, other], key=lambda p: p.id)


async def test_payments_of_other_accounts_are_not_returned(harness: StoreHarness) -> None:
    payment = await harness.add()
    assert await harness.store.get_many([payment.id], payment.account_id) == [payment]
    assert await harness.store.get_many([payment.id], uuid4()) == []
    assert await harness.store.find_by_orders([payment.order_id], uuid4()) == []


async def test_a_changed_payment_is_saved_with_its_refunds(harness: StoreHarness) -> None:
    payment = await harness.add_charged()
    changed = await harness.change(payment, lambda stored: stored.cancel_for_order(harness.clock.now))
    assert len(changed.refunds) == 1
    assert await harness.get(payment) == changed
