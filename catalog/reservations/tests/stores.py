"""The stores of products, stock and reservations together, as fakes and on PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from catalog.events import TOPIC
from catalog.products.domain import Product
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeProductStore, draft
from catalog.reservations.domain import Reservation, ReservationRequest, ReservationState
from catalog.reservations.ports import ReservationStore
from catalog.reservations.store import PostgresReservationStore
from catalog.reservations.tests.fakes import FakeReservationStore
from catalog.stock.domain import Adjustment
from catalog.stock.store import PostgresStockStore
from catalog.stock.tests.fakes import FakeStockStore
from kit.db.fake import FakeDatabase
from kit.errors import SoukError
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from kit.values import Money

__all__ = ["database_url", "postgres"]


@dataclass
class Stores:
    """The stores with their database, fake or real."""

    db: Any
    products: Any
    stock: Any
    reservations: ReservationStore
    clock: FakeClock

    async def product(self, stock: int | None = None, price: Money | None = None, name: str = "Mug") -> UUID:
        product, _ = Product.create(draft(name, price=price), None, self.clock.now)
        async with self.db.transaction() as tx:
            await self.products.add(tx, product)
            if stock is not None:
                await self.stock.start_tracking(tx, product.id, stock, uuid4(), self.clock.now)
        return product.id

    async def set_price(self, product_id: UUID, price: Money) -> None:
        """Bypasses all rules, like a price that an earlier release accepted."""
        if isinstance(self.products, FakeProductStore):
            product = self.products.products[product_id]
            self.products.products[product_id] = replace(product, price=price)
        else:
            await self.db.execute("UPDATE products SET price = $2 WHERE id = $1", product_id, price.minor)

    async def delete(self, product_id: UUID) -> None:
        async with self.db.transaction() as tx:
            await self.products.delete(tx, product_id, 2, self.clock.now)

    async def reserve(
        self, *lines: tuple[UUID, int], order_id: UUID | None = None, expected: str = ""
    ) -> Reservation | SoukError:
        [outcome] = await self.reserve_many([request(*lines, order_id=order_id, expected=expected)])
        return outcome

    async def reserve_many(self, requests: Sequence[ReservationRequest]) -> list[Reservation | SoukError]:
        expire_time = self.clock.now + timedelta(minutes=15)
        return await self.reservations.reserve(requests, self.clock.now, expire_time)

    async def held(self, *lines: tuple[UUID, int]) -> UUID:
        outcome = await self.reserve(*lines)
        assert isinstance(outcome, Reservation)
        return outcome.order_id

    async def free(self, product_id: UUID) -> int | None:
        free: int | None = (await self.stock.free([product_id])).get(product_id)
        return free

    async def commit(self, order_id: UUID) -> ReservationState | None:
        return (await self.reservations.commit([order_id], self.clock.now)).get(order_id)

    async def release(self, order_id: UUID) -> ReservationState:
        return (await self.reservations.release(self.db, [order_id], self.clock.now))[order_id]

    async def write(self, adjustment: Adjustment, before: int | None, after: int | None) -> None:
        async with self.db.transaction() as tx:
            await self.stock.write(tx, adjustment, before=before, after=after)

    async def availability_changes(self) -> dict[UUID, bool]:
        async with self.db.transaction() as tx:
            return dict(await self.stock.pop_availability_changes(tx, 100, self.clock.now))


def request(*lines: tuple[UUID, int], order_id: UUID | None = None, expected: str = "") -> ReservationRequest:
    total = Decimal(expected) if expected else None
    return ReservationRequest.parse(order_id or uuid4(), lines, total)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[Stores]:
    async with migrated(database_url, "catalog", publishes=TOPIC, pool_size=20) as db:
        yield Stores(
            db, PostgresProductStore(db), PostgresStockStore(db), PostgresReservationStore(db), FakeClock()
        )


@pytest.fixture(params=["fake", "postgresql"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "postgresql":
        real: Stores = request.getfixturevalue("real")
        return real
    products, stock = FakeProductStore(), FakeStockStore()
    return Stores(FakeDatabase(), products, stock, FakeReservationStore(products, stock), FakeClock())
