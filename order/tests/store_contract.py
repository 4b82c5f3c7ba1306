"""Order stores under test. `harness` is the fake and PostgreSQL's in turn, `postgres_harness` only PostgreSQL's."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.migrated import migrated
from kit.values import PRODUCT, VARIANT, Money
from order.addresses.domain import Address
from order.closed_accounts.ports import ClosedAccountStore
from order.closed_accounts.store import PostgresClosedAccountStore
from order.lines.domain import Line, OptionValue
from order.listing.ports import ListingStore
from order.listing.store import PostgresListingStore
from order.orders.domain import Order, Schedule
from order.orders.events import TOPIC
from order.orders.ports import OrderStore
from order.orders.store import PostgresOrderStore
from order.tests.fakes import FakeStore, place_order
from order.writing.domain import AccountLimits
from order.writing.ports import NewOrder, NewOrderStore, Outcome
from order.writing.store import PostgresNewOrderStore

NO_LIMITS = AccountLimits(1000, 1000)
ADDRESS = Address("John Doe", "Bahnhofstrasse 1", "", "Zürich", "ZH", "8001", "CH")


@dataclass
class StoreHarness:
    """The stores of all aggregates with their database, fake or real."""

    db: Any
    store: OrderStore
    placing: NewOrderStore
    listing: ListingStore
    closed_accounts: ClosedAccountStore
    clock: FakeClock
    account: UUID
    last_number: int = 1_000_000

    def new_order(
        self,
        *,
        key: str | None = None,
        order_id: UUID | None = None,
        account: UUID | None = None,
        guest_network: str | None = None,
    ) -> NewOrder:
        now = self.clock.now
        self.last_number += 1
        lines = [
            Line(PRODUCT.new(), "Laptop", Money(99_999, "USD"), 2),
            Line(
                PRODUCT.new(),
                "Mug",
                Money(999, "USD"),
                1,
                variant_id=VARIANT.new(),
                sku="MUG-R",
                options=(OptionValue("Color", "red"),),
            ),
        ]
        schedule = Schedule.of(now, timedelta(minutes=10), now + timedelta(hours=1))
        owner = account or self.account
        event = Order.place(
            order_id or uuid4(), self.last_number, owner, lines, ADDRESS, "pm_card_visa", schedule, now
        )
        command = replace(place_order(owner, key=key), guest_network=guest_network)
        event.order.placed_by_guest = guest_network is not None
        return NewOrder(event, command, revision=1)

    async def place(self, count: int = 1, *, account: UUID | None = None) -> list[Order]:
        orders = []
        for _ in range(count):
            new = self.new_order(account=account)
            assert await self.placing.place([new], NO_LIMITS) == [Outcome.WRITTEN]
            orders.append(new.event.order)
            self.clock.advance(seconds=1)
        return orders

    async def place_cancelled(self) -> Order:
        [order] = await self.place()
        await self.change(order, lambda stored: stored.payment_failed("card_declined", self.clock.now))
        return order

    async def change(self, order: Order, transition: Callable[[Order], Any]) -> None:
        async with self.db.transaction() as tx:
            stored = await self.store.lock(tx, order.id)
            assert stored
            event = transition(stored)
            await self.store.save(tx, [stored])
            if event:
                await tx.emit(event)


@pytest.fixture
async def postgres_harness(database_url: str) -> AsyncIterator[StoreHarness]:
    async with migrated(database_url, "order", publishes=TOPIC) as db:
        yield StoreHarness(
            db,
            PostgresOrderStore(db),
            PostgresNewOrderStore(db),
            PostgresListingStore(db),
            PostgresClosedAccountStore(db),
            FakeClock(),
            uuid4(),
        )


@pytest.fixture(params=["fake", "postgresql"])
def harness(request: pytest.FixtureRequest) -> StoreHarness:
    if request.param == "postgresql":
        postgres: StoreHarness = request.getfixturevalue("postgres_harness")
        return postgres
    db = FakeDatabase()
    store = FakeStore(db)
    return StoreHarness(db, store, store, store, store, FakeClock(), uuid4())


def ids(orders: Sequence[Order]) -> list[UUID]:
    return [order.id for order in orders]
