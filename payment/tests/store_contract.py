"""Payment stores under test. `harness` is the fake and PostgreSQL's in turn, `postgres_harness` only PostgreSQL's."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from kit.db import Database
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from payment.intents.domain import Confirmation, Intent, IntentStatus
from payment.payments.domain import Payment
from payment.tests.fakes import FakePaymentStore, new_payment
from payment.tests.world import PostgresStores, Stores, stores

__all__ = ["stores"]

SUCCEEDED = Intent("pi_1", IntentStatus.SUCCEEDED)


@dataclass
class StoreHarness:
    """The stores of all aggregates with their database, fake or real."""

    db: Any
    store: Stores
    clock: FakeClock

    async def add(self, confirmation: Confirmation = Confirmation.SERVER) -> Payment:
        payment = replace(new_payment(self.clock), confirmation=confirmation)
        async with self.db.transaction() as tx:
            assert await self.store.add(tx, [payment]) == {payment.id}
        self.clock.advance(seconds=1)
        return payment

    async def add_charged(self) -> Payment:
        payment = await self.add()
        return await self.change(payment, lambda stored: stored.apply_intent(SUCCEEDED, self.clock.now))

    async def change(self, payment: Payment, change: Callable[[Payment], Any]) -> Payment:
        async with self.db.transaction() as tx:
            stored = await self.store.lock(tx, payment.id)
            assert stored
            change(stored)
            await self.store.save(tx, stored)
        return stored

    async def get(self, payment: Payment) -> Payment:
        [stored] = await self.store.get_many([payment.id], None)
        return stored

    async def claim(self, limit: int = 10) -> list[Payment]:
        lease = self.clock.now + timedelta(seconds=20)
        return await self.store.claim_payments(self.clock.now, lease, limit)


@pytest.fixture
def postgres_harness(stores: tuple[Database, PostgresStores]) -> StoreHarness:
    return StoreHarness(*stores, FakeClock())


@pytest.fixture(params=["fake", "postgresql"])
def harness(request: pytest.FixtureRequest) -> StoreHarness:
    if request.param == "postgresql":
        postgres: StoreHarness = request.getfixturevalue("postgres_harness")
        return postgres
    return StoreHarness(FakeDatabase(), FakePaymentStore(), FakeClock())
