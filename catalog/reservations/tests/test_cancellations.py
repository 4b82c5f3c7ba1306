"""Many cancellations concurrent with new orders, on two replicas and PostgreSQL.

Nothing may deadlock, whatever the order of the events, and no new order may fail because of them.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from souk.order.v1 import events_pb2, order_pb2

from catalog.events import TOPIC
from catalog.products.domain import Product
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import draft
from catalog.reservations.consumers import OrderEvents
from catalog.reservations.domain import Reservation, ReservationRequest
from catalog.reservations.store import PostgresReservationStore
from catalog.reservations.use_cases import Reservations
from catalog.stock.domain import Adjustment
from catalog.stock.store import PostgresStockStore
from catalog.tests.concurrently import task
from kit.db import Database, Migrations
from kit.events import Event
from kit.events.handlers import Handlers, Received
from kit.events.subscriptions import consumer_groups
from kit.testing import FakeClock, Postgres, eventually
from kit.testing.fixtures import database_url, postgres
from kit.values import ORDER

__all__ = ["database_url", "postgres"]


@dataclass
class Replica:
    """One process of the catalog: its connections, batches and consumer."""

    db: Database
    reservations: Reservations
    handlers: Handlers

    @classmethod
    async def start(cls, url: str, clock: FakeClock) -> "Replica":
        db = Database(url, publishes=TOPIC)
        await db.open()
        store = PostgresReservationStore(db)
        reservations = Reservations(db, store, lifetime=timedelta(minutes=15), clock=clock)
        [group] = consumer_groups("catalog", [OrderEvents(reservations).subscription()])
        return cls(db, reservations, Handlers(group, db))

    async def buy(self, *products: UUID) -> Reservation:
        lines = [(product_id, 1) for product_id in products]
        return await self.reservations.reserve(ReservationRequest.parse(uuid4(), lines, None))

    async def consume(self, order_ids: Sequence[UUID]) -> None:
        """A batch of OrderCancelled."""
        await self.handlers.handle(
            [Received("souk.order.v1", _cancelled(order_id)) for order_id in order_ids]
        )


@dataclass
class Shop:
    """Two replicas on one database."""

    replicas: Sequence[Replica]
    clock: FakeClock

    async def products(self, count: int, stock: int) -> list[UUID]:
        db = self.replicas[0].db
        ids = []
        async with db.transaction() as tx:
            for _ in range(count):
                product, _ = Product.create(draft(), None, self.clock.now)
                await PostgresProductStore(db).add(tx, product)
                await PostgresStockStore(db).start_tracking(tx, product.id, stock, uuid4(), self.clock.now)
                ids.append(product.id)
        return ids

    async def buy(self, *baskets: Sequence[UUID]) -> list[UUID]:
        outcomes = await asyncio.gather(*(self.replicas[0].buy(*basket) for basket in baskets))
        return [reservation.order_id for reservation in outcomes]

    async def free(self, products: Sequence[UUID]) -> list[int]:
        free = await PostgresStockStore(self.replicas[0].db).free(products)
        return [free[product_id] for product_id in products]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    await Migrations("catalog").apply(database_url)
    clock = FakeClock()
    replicas = [await Replica.start(database_url, clock) for _ in range(2)]
    yield Shop(replicas, clock)
    for replica in replicas:
        await replica.db.close()


@pytest.fixture
def no_deadlock(postgres: Postgres) -> Iterator[None]:
    """Fails when PostgreSQL reports one."""
    before = postgres.log.read_text().count("deadlock detected")
    yield
    assert postgres.log.read_text().count("deadlock detected") == before


@pytest.mark.parametrize("seed", range(3))
async def test_cancellations_in_any_order_do_not_fail_concurrent_orders(
    shop: Shop, no_deadlock: None, seed: int
) -> None:
    rng = random.Random(seed)
    products = await shop.products(12, stock=1_000)
    cancelled = await shop.buy(*([rng.choice(products)] for _ in range(300)))
    rng.shuffle(cancelled)
    busy = asyncio.gather(
        *(task(shop.replicas[0].consume(cancelled[start : start + 100])) for start in (0, 100, 200))
    )

    async def shopper(turn: int) -> int:
        bought = 0
        while not busy.done() or bought < 10:
            await shop.replicas[turn % 2].buy(*rng.sample(products, 6))
            bought += 1
        return bought

    bought = await asyncio.gather(*(task(shopper(turn)) for turn in range(6)))

    await busy
    assert sum(await shop.free(products)) == 12_000 - 6 * sum(bought)


async def test_two_replicas_cancel_the_same_products_in_opposite_orders(
    shop: Shop, no_deadlock: None
) -> None:
    products = sorted(await shop.products(10, stock=100))
    ascending, descending = (
        await shop.buy(*([product] for product in products)),
        await shop.buy(*([product] for product in products)),
    )
    one, other = shop.replicas

    await asyncio.gather(task(one.consume(ascending)), task(other.consume(list(reversed(descending)))))

    assert await shop.free(products) == [100] * 10


async def test_cancellations_run_concurrently_with_expiry_commits_and_adjustments(
    shop: Shop, no_deadlock: None
) -> None:
    products = sorted(await shop.products(6, stock=500))
    one, other = shop.replicas
    orders = await shop.buy(*(products for _ in range(60)))
    shop.clock.advance(minutes=16)

    async def adjust() -> None:
        for product in reversed(products):
            async with other.db.transaction() as tx:
                store = PostgresStockStore(other.db)
                free = await store.lock(tx, product)
                assert free is not None
                adjustment = Adjustment.initial(product, 1, uuid4(), shop.clock.now)
                await store.write(tx, adjustment, before=free, after=free + 1)

    await asyncio.gather(
        task(one.consume(orders[:40])),
        task(other.consume(list(reversed(orders[20:50])))),
        task(other.reservations.expire()),
        task(PostgresReservationStore(one.db).commit(list(reversed(orders)), shop.clock.now)),
        task(adjust()),
    )
    await one.consume(orders)

    assert await shop.free(products) == [501] * 6


async def test_a_whole_batch_of_cancellations_updates_stock_once(shop: Shop) -> None:
    [mug] = await shop.products(1, stock=500)
    orders = await shop.buy(*([mug] for _ in range(500)))
    await shop.replicas[0].db.execute("SELECT pg_stat_force_next_flush()")
    before = await _updates(shop)

    await shop.replicas[0].consume(orders)

    assert await shop.free([mug]) == [500]

    async def updated() -> bool:
        await shop.replicas[0].db.execute("SELECT pg_stat_force_next_flush()")
        return await _updates(shop) > before

    await eventually(updated)
    assert await _updates(shop) == before + 1


async def _updates(shop: Shop) -> int:
    """The number of updates of rows of `stock`."""
    sql = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'stock'"
    return int(await shop.replicas[1].db.fetchval(sql))


def _cancelled(order_id: UUID) -> Event[Any]:
    order = order_pb2.Order(id=ORDER.format(order_id))
    body = events_pb2.OrderCancelled(order=order)
    return Event(uuid4(), "souk.order.v1.OrderCancelled", order.id, FakeClock().now, body, "", {})
