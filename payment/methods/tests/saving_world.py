"""Saved methods on PostgreSQL and the Stripe mock, with what pages do."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from kit.auth import Principal, Role
from kit.db import Database
from kit.testing import FakeClock
from kit.values import ACCOUNT, PAYMENT_METHOD, Money
from payment.charges.orders import OrderCharges, PlacedOrder
from payment.charges.use_cases import Charges
from payment.customers.store import PostgresCustomerStore
from payment.customers.stripe_customers import StripeCustomers
from payment.customers.use_cases import Customers
from payment.intents.domain import Confirmation
from payment.methods.charging import CustomerCharges
from payment.methods.domain import SavedMethod, Setup, SetupStatus
from payment.methods.saving import MethodWork
from payment.methods.store import PostgresMethodStore
from payment.methods.stripe_cards import StripeCards
from payment.methods.use_cases import Methods
from payment.payments.domain import Payment
from payment.provider.stripe_client import Stripe
from payment.tests.fakes import SEALER
from payment.tests.stripe_stub import StripeMock, adapter, stripe_mock
from payment.tests.world import PostgresStores

# Setups that an account may start in an hour.
MAX_SETUPS = 20
GOOD, DECLINED, BANK_ASKS = "4242424242424242", "4000000000000002", "4000002760003184"


@dataclass
class Saving:
    """The use cases and their workers, and the provider's pages."""

    db: Database
    store: PostgresStores
    mock: StripeMock
    stripe: Stripe
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        cards, self.methods_store = StripeCards(self.stripe), PostgresMethodStore(self.db)
        self.customers = Customers(
            PostgresCustomerStore(self.db), StripeCustomers(self.stripe), clock=self.clock
        )
        self.methods = Methods(
            self.db, self.methods_store, self.customers, cards, max_setups=MAX_SETUPS, clock=self.clock
        )
        self.saving = MethodWork(self.db, self.methods_store, self.store, cards, clock=self.clock)
        self.orders = OrderCharges(self.store, self.methods, default_method="pm_card_visa", clock=self.clock)
        charging = CustomerCharges(self.stripe, self.methods_store, self.customers)
        self.charges = Charges(self.db, self.store, self.store, charging, clock=self.clock)
        self.page = httpx.AsyncClient(base_url=self.mock.url, timeout=30)

    async def work(self, rounds: int = 1, seconds: float = 60) -> None:
        """Runs the workers, then time passes; `rounds` times."""
        for _ in range(rounds):
            for payment in await self.charges.claim(20):
                await self.charges.advance(payment)
            for method in await self.saving.claim(20):
                await self.saving.advance(method)
            for customer in await self.customers.claim(20):
                await self.customers.delete(customer)
            self.clock.advance(seconds=seconds)

    async def confirm(self, secret: str, card: str = GOOD) -> Any:
        """What the page does with a client secret."""
        intent_id = secret.partition("_secret_")[0]
        kind = "setup_intents" if intent_id.startswith("seti_") else "payment_intents"
        form = {"key": "pk_test", "client_secret": secret, "payment_method_data[type]": "card"}
        form["payment_method_data[card][number]"] = card
        answer = (await self.page.post(f"/v1/{kind}/{intent_id}/confirm", data=form)).json()
        if answer.get("status") == "requires_action":
            answer = (await self.page.get(f"/mock/authenticate/{intent_id}")).json()
        return answer

    async def save_card(self, owner: Principal, card: str = GOOD) -> SavedMethod:
        """The newest of the owner's methods, after one more was saved."""
        await self.confirm(await self.methods.start_saving(owner), card)
        self.clock.advance(seconds=6)
        await self.work()
        return max(await self.saved(owner), key=lambda method: method.create_time)

    async def saved(self, owner: Principal) -> list[SavedMethod]:
        """The owner's methods as they are listed."""
        return await self.methods.list_saved(owner, [owner.account_id])

    async def order(
        self, owner: Principal, method: str = "pm_card_visa", *, save: bool = False, by_page: bool = False
    ) -> UUID:
        """Places an order; returns its id."""
        confirmation = Confirmation.CLIENT if by_page else Confirmation.SERVER
        pay_before = self.clock.now + timedelta(minutes=30)
        placed = PlacedOrder(
            uuid4(), owner.account_id, Money(1_000, "USD"), method, pay_before, confirmation, save
        )
        async with self.db.transaction() as tx:
            await self.orders.orders_placed(tx, [placed])
        return placed.id

    async def payment(self, order_id: UUID) -> Payment:
        """The payment of an order."""
        [payment] = await self.store.find_by_orders([order_id], None)
        return payment

    async def secret(self, order_id: UUID) -> str:
        """The client secret of an order's payment."""
        return SEALER.unseal((await self.payment(order_id)).client_secret)

    def cards_at_provider(self, owner: Principal) -> int:
        """Cards that the provider keeps for any customer of the account."""
        identity = ACCOUNT.format(owner.account_id)
        state = self.mock.provider.methods
        with self.mock.api.lock:
            customers = [c for c in state.customers() if c["metadata"].get("account_id") == identity]
            return sum(len(state.of_customer(customer["id"])) for customer in customers)

    async def open_setups(self, owner: Principal, count: int) -> None:
        """Stores setups of pages that are open."""
        setups = [Setup(f"seti_{number}", SetupStatus.OPEN) for number in range(count)]
        async with self.db.transaction() as tx:
            await self.methods_store.add(
                tx, [SavedMethod.of_setup(owner.account_id, setup, self.clock.now) for setup in setups]
            )

    async def waits_for_lock(self) -> bool:
        """Whether a statement waits for a lock."""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        [waiting] = await together(self.db.fetchval(sql))
        return bool(waiting)

    async def close_account(self, owner: Principal) -> None:
        """AccountDeleted arrives."""
        async with self.db.transaction() as tx:
            await self.customers.accounts_deleted(tx, [owner.account_id])


def owner() -> Principal:
    """A new account."""
    return Principal(uuid4(), Role.USER, uuid4())


def name(method: SavedMethod) -> str:
    """As createOrder names it."""
    return PAYMENT_METHOD.format(method.id)


async def together(*calls: Any) -> list[Any]:
    """Concurrently, each with its own transactions; errors are results."""
    tasks = (asyncio.create_task(call, context=Context()) for call in calls)
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def world(stores: tuple[Database, PostgresStores], tmp_path: Path) -> AsyncIterator[Saving]:
    with stripe_mock(tmp_path) as mock:
        client = adapter(mock.url)
        saving = Saving(*stores, mock, client)
        yield saving
        await saving.page.aclose()
        await client.close()
