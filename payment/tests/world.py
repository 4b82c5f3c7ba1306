"""All use cases of the payment service on a store, fake or PostgreSQL's, with a fake provider and clock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from kit.db import Database
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.migrated import migrated
from payment.charges.orders import OrderCharges
from payment.charges.ports import ChargeStore
from payment.charges.store import PostgresChargeStore
from payment.charges.use_cases import Charges
from payment.page.ports import StartStore
from payment.page.store import PostgresStartStore
from payment.page.use_cases import PaymentStart
from payment.payments.events import TOPIC
from payment.payments.ports import PaymentStore
from payment.payments.store import PostgresPaymentStore
from payment.reading.use_cases import Payments
from payment.refunds.ports import RefundStore
from payment.refunds.store import PostgresRefundStore
from payment.refunds.use_cases import Refunds
from payment.tests.fakes import FakePaymentStore, FakeProvider, FakeSavedMethods
from payment.webhooks.ports import WebhookStore
from payment.webhooks.store import PostgresWebhookStore
from payment.webhooks.use_cases import Webhooks


class Stores(PaymentStore, ChargeStore, StartStore, RefundStore, WebhookStore, Protocol):
    """The methods of the stores of all aggregates."""


class PostgresStores(
    PostgresPaymentStore, PostgresChargeStore, PostgresStartStore, PostgresRefundStore, PostgresWebhookStore
):
    """All stores on PostgreSQL."""


@dataclass
class World:
    """`store` has the methods of all stores; `work` does what the workers do."""

    db: Any = field(default_factory=FakeDatabase)
    store: Stores = field(default_factory=FakePaymentStore)
    provider: FakeProvider = field(default_factory=FakeProvider)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.payments = Payments(self.store)
        self.saved_methods = FakeSavedMethods()
        self.orders = OrderCharges(
            self.store, self.saved_methods, default_method="pm_card_visa", clock=self.clock
        )
        self.charges = Charges(self.db, self.store, self.store, self.provider, clock=self.clock)
        self.start = PaymentStart(self.store, self.store, self.charges, clock=self.clock)
        self.refunds = Refunds(self.db, self.store, self.store, self.provider, clock=self.clock)
        self.webhooks = Webhooks(self.store, self.refunds, clock=self.clock)

    async def work(self, rounds: int = 1) -> None:
        """Runs the sweep and the workers, then a minute passes; `rounds` times."""
        for _ in range(rounds):
            await self.charges.cancel_expired()
            for payment in await self.charges.claim(10):
                await self.charges.advance(payment)
            for refund in await self.refunds.claim(10):
                await self.refunds.make(refund)
            self.clock.advance(seconds=60)


@pytest.fixture
async def stores(database_url: str) -> AsyncIterator[tuple[Database, PostgresStores]]:
    """PostgreSQL's stores on a migrated database."""
    async with migrated(database_url, "payment", publishes=TOPIC, pool_size=10) as db:
        yield db, PostgresStores(db)
