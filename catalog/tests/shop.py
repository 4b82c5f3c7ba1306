"""The use cases of all aggregates with fakes of their ports."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from catalog.categories.use_cases import Categories
from catalog.products.domain import Changes, ProductWithStock
from catalog.products.tests.fakes import FakeCache, FakeProductStore, draft
from catalog.products.use_cases import Products
from catalog.reservations.domain import ReservationRequest
from catalog.reservations.tests.fakes import FakeReservationStore
from catalog.reservations.use_cases import Reservations
from catalog.stock.tests.fakes import FakeStockStore
from catalog.stock.use_cases import Stock
from kit.db.fake import FakeDatabase
from kit.events import AdminActed
from kit.testing import FakeClock
from kit.testing.principals import admin
from kit.values import ORDER


class Shop:
    """What tests of use cases need, and shorthands."""

    def __init__(self) -> None:
        self.clock, self.db, self.admin = FakeClock(), FakeDatabase(), admin()
        self.store, self.stock_store = FakeProductStore(), FakeStockStore()
        self.cache = FakeCache(self.store)
        db: Any = self.db
        self.products = Products(db, self.store, self.stock_store, self.cache, clock=self.clock)
        self.categories = Categories(self.store)
        self.stock = Stock(db, self.stock_store, self.store, clock=self.clock)
        store = FakeReservationStore(self.store, self.stock_store)
        self.reservations = Reservations(db, store, lifetime=timedelta(minutes=15), clock=self.clock)

    def events(self) -> list[object]:
        """Emitted events, without those for the audit log."""
        return [event for event in self.db.events if not isinstance(event, AdminActed)]

    def audited_actions(self) -> list[str]:
        return [event.action for event in self.db.events if isinstance(event, AdminActed)]

    async def product(self, name: str = "Mug", **fields: Any) -> UUID:
        return (await self.products.create(self.admin, draft(name, **fields))).product.id

    async def change(
        self, product_id: UUID, *, expected_version: int | None = None, **fields: Any
    ) -> ProductWithStock:
        changes = Changes.parse(**fields)
        return await self.products.update(self.admin, product_id, changes, expected_version=expected_version)

    async def reserve(self, product_id: UUID, quantity: int = 1) -> UUID:
        return (await self.reservations.reserve(request(product_id, quantity))).order_id

    async def free(self, product_id: UUID) -> int | None:
        return (await self.products.get(product_id)).stock

    async def cancel(self, order_id: UUID) -> None:
        """As the consumer of OrderCancelled does."""
        async with self.db.transaction() as tx:
            await self.reservations.release_cancelled(tx, [order_id])


def request(product_id: UUID, quantity: int = 1, *, order_id: UUID | None = None) -> ReservationRequest:
    lines = [(product_id, quantity)]
    return ReservationRequest.parse(order_id or ORDER.new(), lines, None)
