"""GuestMerged five times, before and after the payment of the guest's order, on PostgreSQL."""

from typing import Any
from uuid import uuid4

import pytest
from souk.account.v1 import events_pb2 as account

from kit.events import Event
from kit.guests import MergedGuests
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, utc_now
from payment.customers.consumers import AccountEvents
from payment.payments.domain import Payment
from payment.tests.fakes import new_payment
from payment.tests.store_contract import StoreHarness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "postgres", "postgres_harness", "stores"]


async def add(harness: StoreHarness, payment: Payment) -> None:
    async with harness.db.transaction() as tx:
        await harness.store.add(tx, [payment])


async def merge(harness: StoreHarness, payment: Payment) -> Any:
    into = uuid4()
    customers: Any = None
    handlers: Any = (
        AccountEvents(customers, MergedGuests(harness.db, ["payments"], clock=utc_now))
        .subscription()
        .handlers
    )
    body = account.GuestMerged(guest_id=ACCOUNT.format(payment.account_id), into_id=ACCOUNT.format(into))
    for _ in range(5):
        event: Event[Any] = Event(uuid4(), body.DESCRIPTOR.full_name, "key", utc_now(), body, "", {})
        async with harness.db.transaction() as tx:
            await handlers[type(body)](tx, event)
    return into


@pytest.mark.parametrize("payment_first", [True, False])
async def test_the_payment_of_a_guests_order_is_that_of_its_account(
    postgres_harness: StoreHarness, payment_first: bool
) -> None:
    payment, others = new_payment(postgres_harness.clock), new_payment(postgres_harness.clock)
    if payment_first:
        await add(postgres_harness, payment)
    into = await merge(postgres_harness, payment)
    if not payment_first:
        await add(postgres_harness, payment)
    await add(postgres_harness, others)

    owned = await postgres_harness.store.get_many([payment.id, others.id], into)
    assert [row.id for row in owned] == [payment.id]
    assert await postgres_harness.store.get_many([payment.id], payment.account_id) == []
    assert (await postgres_harness.get(others)).account_id == others.account_id
