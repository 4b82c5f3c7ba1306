"""The contract of PaymentStore, on the fake and on PostgreSQL."""

from uuid import uuid4

from kit.testing.fixtures import database_url, postgres
from payment.tests.fakes import new_payment
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


async def test_a_payment_comes_back_as_it_was(harness: StoreHarness) -> None:
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


async def test_of_many_orders_each_that_is_new_gets_its_first_payment(harness: StoreHarness) -> None:
    known = await harness.add()
    again, first, other = (
        new_payment(harness.clock, order_id=known.order_id, minor=1),
        new_payment(harness.clock),
        new_payment(harness.clock),
    )
    twin = new_payment(harness.clock, order_id=first.order_id, minor=2)
    async with harness.db.transaction() as tx:
        added = await harness.store.add(tx, [again, first, twin, other])
    assert added == {first.id, other.id}
    orders = [known.order_id, first.order_id, other.order_id]
    found = await harness.store.find_by_orders(orders, None)
    assert sorted(found, key=lambda p: p.id) == sorted([known, first, other], key=lambda p: p.id)


async def test_a_payment_is_nobody_elses_business(harness: StoreHarness) -> None:
    payment = await harness.add()
    assert await harness.store.get_many([payment.id], payment.account_id) == [payment]
    assert await harness.store.get_many([payment.id], uuid4()) == []
    assert await harness.store.find_by_orders([payment.order_id], uuid4()) == []


async def test_a_changed_payment_is_saved_with_its_refunds(harness: StoreHarness) -> None:
    payment = await harness.add_charged()
    changed = await harness.change(payment, lambda stored: stored.cancel_for_order(harness.clock.now))
    assert len(changed.refunds) == 1
    assert await harness.get(payment) == changed
