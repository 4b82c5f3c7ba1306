"""The use cases on fakes, with one order."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kit.values import Money
from payment.charges.orders import CancelledOrder, PlacedOrder
from payment.intents.domain import Confirmation
from payment.payments.domain import Payment
from payment.tests.fakes import FakePaymentStore
from payment.tests.world import World

TOTAL = Money(10_000, "USD")


@dataclass
class OneOrder(World):
    """The use cases, and one order."""

    store: FakePaymentStore = field(default_factory=FakePaymentStore)
    order_id: UUID = field(default_factory=uuid4)
    account_id: UUID = field(default_factory=uuid4)

    async def place(self, method: str = "pm_card_visa") -> None:
        pay_before = self.clock.now.replace(year=self.clock.now.year + 1)
        async with self.db.transaction() as tx:
            placed = PlacedOrder(self.order_id, self.account_id, TOTAL, method, pay_before)
            await self.orders.orders_placed(tx, [placed])

    async def place_for_page(self, *, seconds: float = 480, total: Money = TOTAL) -> None:
        """Places the order with confirmation CLIENT."""
        pay_before = self.clock.now + timedelta(seconds=seconds)
        placed = PlacedOrder(self.order_id, self.account_id, total, "", pay_before, Confirmation.CLIENT)
        async with self.db.transaction() as tx:
            await self.orders.orders_placed(tx, [placed])

    async def cancel(self) -> None:
        async with self.db.transaction() as tx:
            await self.orders.orders_cancelled(tx, [CancelledOrder(self.order_id, self.account_id, TOTAL)])

    async def finish_refunds(self) -> None:
        """Runs the worker until no refund is due any more, moving the clock to the next due time."""
        while due := [refund.due_time for refund in self.payment.refunds if refund.due_time]:
            self.clock.now = max(self.clock.now, min(due))
            for refund in await self.refunds.claim(10):
                await self.refunds.make(refund)

    @property
    def payment(self) -> Payment:
        [payment] = self.store.payments.values()
        return payment

    def published(self) -> list[type]:
        return [type(event) for event in self.db.events]


@pytest.fixture
def world() -> OneOrder:
    return OneOrder()
