"""Two who change one order at the same moment, on PostgreSQL: they take turns on its row, and the second sees what the first did.

Nothing is left to chance: the first is held while it has the row, until the server says that the second waits for it.
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
from kit.db import Database, Migrations, Transaction
from kit.testing import FakeClock, eventually
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import admin, customer
from kit.values import ORDER
from order.orders.domain import CancelReason, Order, Status
from order.orders.errors import InvalidOrderState
from order.orders.events import TOPIC
from order.orders.ports import StockState
from order.orders.store import PostgresOrderStore
from order.orders.use_cases import Orders
from order.placing.store import PostgresPlacingStore
from order.placing.use_cases import Placing
from order.tests.fakes import FakeCatalog, place_order
from order.tests.shop import POLICY

__all__ = ["database_url", "postgres"]

# More may look at one row than may wait for it.
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


class HeldStore(PostgresOrderStore):
    """A store whose next lock is held until it is let go."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.holds = False
        self.locked, self.go = asyncio.Event(), asyncio.Event()

    async def lock(self, tx: Transaction, order_id: UUID, owner: UUID | None = None) -> Order | None:
        found = await super().lock(tx, order_id, owner)
        await self._pause()
        return found

    async def lock_overdue(self, tx: Transaction, now: datetime, limit: int) -> list[Order]:
        found = await super().lock_overdue(tx, now, limit)
        await self._pause()
        return found

    async def _pause(self) -> None:
        if self.holds:
            self.holds = False
            self.locked.set()
            await self.go.wait()


@dataclass
class Race:
    """One order, and what can happen to it."""

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
        await self.hear(lambda tx: self.orders.payment_succeeded(tx, self.order.id, stock))

    async def pay_too_late(self) -> None:
        await self.hear(lambda tx: self.orders.payment_succeeded(tx, self.order.id, StockState.RELEASED))

    async def decline(self) -> None:
        await self.hear(lambda tx: self.orders.payment_failed(tx, self.order.id, "card_declined"))

    async def refund(self) -> None:
        await self.hear(
            lambda tx: self.orders.payment_refunded(tx, self.order.id, self.order.total, "damaged")
        )

    async def sweep(self) -> None:
        self.clock.advance(minutes=10)
        await self.orders.cancel_overdue()

    async def hear(self, reaction: Callable[[Transaction], Awaitable[None]]) -> None:
        async with self.db.transaction() as tx:
            await reaction(tx)

    async def run_in_lock_order(self, first: str, second: str) -> list[Any]:
        """What both answered; the second came while the first had the row."""
        self.store.holds = True
        one = asyncio.create_task(getattr(self, first)(), context=Context())
        await asyncio.wait_for(self.store.locked.wait(), 10)
        two = asyncio.create_task(getattr(self, second)(), context=Context())
        await eventually(self._one_waits)
        assert not one.done()
        assert not two.done()
        self.store.go.set()
        return list(await asyncio.gather(one, two, return_exceptions=True))

    async def _one_waits(self) -> bool:
        return bool(await self.db.fetchval(_WAITING) == 1)

    async def now(self) -> Order:
        found = await self.store.get(self.order.id, None)
        assert found
        return found

    async def told(self) -> list[str]:
        rows = await self.db.fetch(
            "SELECT type FROM outbox WHERE key = $1 AND topic = 'souk.order.v1' ORDER BY id OFFSET 1",
            ORDER.format(self.order.id),
        )
        return [row["type"].rpartition(".Order")[2] for row in rows]


@pytest.fixture
async def race(database_url: str) -> AsyncIterator[Race]:
    await Migrations("order").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    clock, store, owner = FakeClock(), HeldStore(db), customer()
    catalog = FakeCatalog(clock)
    orders = Orders(db, store, catalog, clock)
    placing = Placing(db, PostgresPlacingStore(db), catalog, POLICY, clock)
    order = await placing.place(owner, place_order(owner.account_id, 2))
    yield Race(db, store, catalog, clock, orders, owner, order)
    await db.close()


PENDING = [
    # first, second, what is told, why it was cancelled
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


@pytest.mark.parametrize(("first", "second", "told", "reason"), PENDING)
async def test_an_unpaid_order_is_changed_by_one_at_a_time(
    race: Race, first: str, second: str, told: list[str], reason: CancelReason | None
) -> None:
    answers = await race.run_in_lock_order(first, second)

    order = await race.now()
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    assert await race.told() == told
    assert order.cancel_reason is reason
    assert (order.version, len(order.history)) == (1 + len(told), 1 + len(told))


CONFIRMED = [
    # first, second, what is told, whether the second is refused
    ("cancel", "ship", ["Cancelled"], True),
    ("ship", "cancel", ["Shipped"], True),
    ("ship", "ship", ["Shipped"], False),
    ("cancel", "cancel_as_admin", ["Cancelled"], False),
    ("refund", "ship", ["Cancelled"], True),
    ("ship", "refund", ["Shipped", "Refunded"], False),
    ("cancel", "refund", ["Cancelled", "Refunded"], False),
    ("refund", "cancel", ["Cancelled"], False),
]


@pytest.mark.parametrize(("first", "second", "told", "refused"), CONFIRMED)
async def test_a_paid_order_is_changed_by_one_at_a_time(
    race: Race, first: str, second: str, told: list[str], refused: bool
) -> None:
    await race.pay()

    answers = await race.run_in_lock_order(first, second)

    order = await race.now()
    assert not isinstance(answers[0], BaseException)
    assert isinstance(answers[1], InvalidOrderState) is refused
    assert await race.told() == ["Confirmed", *told]
    assert order.version == 2 + len(told)
    assert order.status is (Status.SHIPPED if told[0] == "Shipped" else Status.CANCELLED)


async def test_both_who_cancel_at_once_get_the_same_order(race: Race) -> None:
    first, second = await race.run_in_lock_order("cancel", "cancel")

    assert first == second == await race.now()


async def test_a_sweep_passes_over_what_somebody_changes(race: Race) -> None:
    race.store.holds = True
    paying = asyncio.create_task(race.pay(), context=Context())
    await asyncio.wait_for(race.store.locked.wait(), 10)

    await race.sweep()

    race.store.go.set()
    await paying
    await race.sweep()
    assert (await race.now()).status is Status.CONFIRMED
    assert await race.told() == ["Confirmed"]


async def test_fifty_who_cancel_at_once_end_it_once(race: Race) -> None:
    answers = await asyncio.gather(*(race.cancel() for _ in range(50)))

    assert {(answer.status, answer.version) for answer in answers} == {(Status.CANCELLED, 2)}
    assert await race.told() == ["Cancelled"]
