"""Concurrent changes of one order on PostgreSQL: they are serialized by its row lock, and the second sees the result of the first.

The test is deterministic: the first call pauses while it pauses the lock, until PostgreSQL reports that the second waits for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from kit.auth import Principal
from kit.db import Database, Transaction
from kit.testing import FakeClock, eventually
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from kit.testing.principals import admin, customer
from kit.testing.rival import count_lock_waits
from kit.values import ORDER
from order.orders.domain import CancelReason, Order, Status
from order.orders.errors import InvalidOrderState
from order.orders.events import TOPIC
from order.orders.ports import StockState
from order.orders.store import PostgresOrderStore
from order.orders.use_cases import Orders
from order.placing.use_cases import Placing
from order.quotes.quoting import Quotes
from order.tests.fake_rules import FakeRules
from order.tests.fakes import FakeCatalog, FakeOrderCarts, place_order
from order.tests.shop import POLICY
from order.writing.store import PostgresNewOrderStore

__all__ = ["database_url", "postgres"]


class HeldStore(PostgresOrderStore):
    """A store that pauses after its next lock until `go` is set."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.pauses = False
        self.locked, self.go = asyncio.Event(), asyncio.Event()

    async def lock(self, tx: Transaction, order_id: UUID, owner: UUID | None = None) -> Order | None:
        stored = await super().lock(tx, order_id, owner)
        await self._pause()
        return stored

    async def lock_overdue(self, tx: Transaction, now: datetime, limit: int) -> list[Order]:
        stored = await super().lock_overdue(tx, now, limit)
        await self._pause()
        return stored

    async def _pause(self) -> None:
        if self.pauses:
            self.pauses = False
            self.locked.set()
            await self.go.wait()


@dataclass
class Race:
    """One order, and the calls that change it."""

    url: str
    db: Database
    store: HeldStore
    catalog: FakeCatalog
    clock: FakeClock
    orders: Orders
    owner: Principal
    order: Order

    async def cancel(self) -> Order:
        return await self.orders.cancel(self.owner, self.order.id, "mine")

    async def cancel_as_admin(self) -> Order:
        return await self.orders.cancel(admin(), self.order.id, "theirs")

    async def ship(self) -> Order:
        return await self.orders.update_status(self.order.id, Status.SHIPPED, "by bike", "")

    async def pay(self) -> None:
        stock = await self.orders.commit_stock(self.order.id)
        await self.react(lambda tx: self.orders.payment_succeeded(tx, self.order.id, stock))

    async def pay_too_late(self) -> None:
        await self.react(lambda tx: self.orders.payment_succeeded(tx, self.order.id, StockState.RELEASED))

    async def decline(self) -> None:
        await self.react(lambda tx: self.orders.payment_failed(tx, self.order.id, "card_declined"))

    async def refund(self) -> None:
        await self.react(
            lambda tx: self.orders.payment_refunded(tx, self.order.id, self.order.total, "damaged")
        )

    async def sweep(self) -> None:
        self.clock.advance(minutes=10)
        await self.orders.cancel_overdue()

    async def react(self, reaction: Callable[[Transaction], Awaitable[None]]) -> None:
        async with self.db.transaction() as tx:
            await reaction(tx)

    async def run_in_lock_order(self, first: str, second: str) -> list[Any]:
        """Returns both results; the second call starts while the first holds the row lock."""
        self.store.pauses = True
        one = asyncio.create_task(getattr(self, first)(), context=Context())
        await asyncio.wait_for(self.store.locked.wait(), 10)
        two = asyncio.create_task(getattr(self, second)(), context=Context())
        await eventually(self._is_one_waiting)
        assert not one.done()
        assert not two.done()
        self.store.go.set()
        return list(await asyncio.gather(one, two, return_exceptions=True))

    async def _is_one_waiting(self) -> bool:
        return await count_lock_waits(self.url) == 1

    async def now(self) -> Order:
        stored = await self.store.get(self.order.id, None)
        assert stored
        return stored

    async def published(self) -> list[str]:
        rows = await self.db.fetch(
            "SELECT type FROM outbox WHERE key = $1 AND topic = 'souk.order.v1' ORDER BY id OFFSET 1",
            ORDER.format(self.order.id),
        )
        return [row["type"].rpartition(".Order")[2] for row in rows]


@pytest.fixture
async def race(database_url: str) -> AsyncIterator[Race]:
    async with migrated(database_url, "order", publishes=TOPIC) as db:
        clock, store, owner = FakeClock(), HeldStore(db), customer()
        catalog = FakeCatalog(clock)
        orders = Orders(db, store, catalog, FakeOrderCarts(), clock)
        placing = Placing(
            db,
            PostgresNewOrderStore(db),
            catalog,
            Quotes(FakeRules(), catalog, require_method=True, clock=clock),
            POLICY,
        )
        order = await placing.place(owner, place_order(owner.account_id, 2))
        yield Race(database_url, db, store, catalog, clock, orders, owner, order)


PENDING = [
    # first, second, published events, cancel reason
    ("cancel", "pay", ["Cancelled"], CancelReason.CUSTOMER),
    ("pay", "cancel", ["Confirmed", "Cancelled"], CancelReason.CUSTOMER),
    ("cancel", "cancel", ["Cancelled"], CancelReason.CUSTOMER),
    ("cancel_as_admin", "cancel", ["Cancelled"], CancelReason.ADMIN),
    ("cancel", "decline", ["Cancelled"], CancelReason.CUSTOMER),
    ("decline", "cancel", ["Cancelled"], CancelReason.PAYMENT_FAILED),
    ("pay", "pay", ["Confirmed"], None),
    ("sweep", "pay", ["Cancelled"], CancelReason.PAYMENT_TIMEOUT),
    ("sweep", "cancel", ["Cancelled"], CancelReason.PAYMENT_TIMEOUT),
    ("pay_too_late", "cancel", ["Cancelled"], CancelReason.RESERVATION_EXPIRED),
    ("pay", "refund", ["Confirmed", "Cancelled"], CancelReason.ADMIN),
    ("refund", "pay", ["Cancelled"], CancelReason.ADMIN),
]


@pytest.mark.parametrize(("first", "second", "published", "reason"), PENDING)
async def test_concurrent_changes_of_an_unpaid_order_are_serialized(
    race: Race, first: str, second: str, published: list[str], reason: CancelReason | None
) -> None:
    results = await race.run_in_lock_order(first, second)

    order = await race.now()
    assert not [result for result in results if isinstance(result, BaseException)]
    assert await race.published() == published
    assert order.cancel_reason is reason
    assert (order.version, len(order.history)) == (1 + len(published), 1 + len(published))


CONFIRMED = [
    # first, second, published events, whether the second is rejected
    ("cancel", "ship", ["Cancelled"], True),
    ("ship", "cancel", ["Shipped"], True),
    ("ship", "ship", ["Shipped"], False),
    ("cancel", "cancel_as_admin", ["Cancelled"], False),
    ("refund", "ship", ["Cancelled"], True),
    ("ship", "refund", ["Shipped", "Refunded"], False),
    ("cancel", "refund", ["Cancelled", "Refunded"], False),
    ("refund", "cancel", ["Cancelled"], False),
]


@pytest.mark.parametrize(("first", "second", "published", "rejected"), CONFIRMED)
async def test_concurrent_changes_of_a_paid_order_are_serialized(
    race: Race, first: str, second: str, published: list[str], rejected: bool
) -> None:
    await race.pay()

    results = await race.run_in_lock_order(first, second)

    order = await race.now()
    assert not isinstance(results[0], BaseException)
    assert isinstance(results[1], InvalidOrderState) is rejected
    assert await race.published() == ["Confirmed", *published]
    assert order.version == 2 + len(published)
    assert order.status is (Status.SHIPPED if published[0] == "Shipped" else Status.CANCELLED)


async def test_concurrent_cancellations_return_the_same_order(race: Race) -> None:
    first, second = await race.run_in_lock_order("cancel", "cancel")

    assert first == second == await race.now()


async def test_a_sweep_skips_an_order_that_is_being_changed(race: Race) -> None:
    race.store.pauses = True
    paying = asyncio.create_task(race.pay(), context=Context())
    await asyncio.wait_for(race.store.locked.wait(), 10)

    await race.sweep()

    race.store.go.set()
    await paying
    await race.sweep()
    assert (await race.now()).status is Status.CONFIRMED
    assert await race.published() == ["Confirmed"]


async def test_fifty_concurrent_cancellations_cancel_once(race: Race) -> None:
    results = await asyncio.gather(*(race.cancel() for _ in range(50)))

    assert {(result.status, result.version) for result in results} == {(Status.CANCELLED, 2)}
    assert await race.published() == ["Cancelled"]
