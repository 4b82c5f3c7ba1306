"""An order store to try things on: the fake, and PostgreSQL's. `kept` is either, one after the other; `real` is PostgreSQL's."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.db import Database, Migrations
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.values import PRODUCT, Money
from order.domain import Address, Line, Order, Schedule
from order.events import TOPIC
from order.ports import AccountLimits, OrderStore, Outcome, Placement
from order.store import Store
from order.tests.fakes import FakeStore, purchase

ROOMY = AccountLimits(1000, 1000)
ADDRESS = Address("John Doe", "Bahnhofstrasse 1", "", "Zürich", "ZH", "8001", "CH")


@dataclass
class Kept:
    """A store with its database, fake or real."""

    db: Any
    store: OrderStore
    clock: FakeClock
    account: UUID

    def placement(
        self, *, key: str | None = None, order_id: UUID | None = None, account: UUID | None = None
    ) -> Placement:
        now = self.clock.now
        lines = [
            Line(PRODUCT.new(), "Laptop", Money(99_999, "USD"), 2),
            Line(PRODUCT.new(), "Mug", Money(999, "USD"), 1),
        ]
        schedule = Schedule.of(now, timedelta(minutes=10), now + timedelta(hours=1))
        owner = account or self.account
        fact = Order.place(order_id or uuid4(), owner, lines, ADDRESS, "pm_card_visa", schedule, now)
        return Placement(fact, owner, purchase(key=key))

    async def placed(self, count: int = 1, *, account: UUID | None = None) -> list[Order]:
        orders = []
        for _ in range(count):
            placement = self.placement(account=account)
            assert await self.store.place([placement], ROOMY) == [Outcome.WRITTEN]
            orders.append(placement.fact.order)
            self.clock.advance(seconds=1)
        return orders

    async def cancelled(self) -> Order:
        [order] = await self.placed()
        await self.change(order, lambda found: found.payment_failed("card_declined", self.clock.now))
        return order

    async def change(self, order: Order, transition: Any) -> None:
        async with self.db.transaction() as tx:
            found = await self.store.lock(tx, order.id)
            assert found
            fact = transition(found)
            await self.store.save(tx, [found])
            if fact:
                await tx.emit(fact)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[Kept]:
    await Migrations("order").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    yield Kept(db, Store(db), FakeClock(), uuid4())
    await db.close()


@pytest.fixture(params=["fake", "postgresql"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "postgresql":
        found: Kept = request.getfixturevalue("real")
        return found
    db = FakeDatabase()
    return Kept(db, FakeStore(db), FakeClock(), uuid4())


def ids(orders: Sequence[Order]) -> list[UUID]:
    return [order.id for order in orders]
