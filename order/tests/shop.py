"""All use cases of the order service on fakes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from kit.auth import Principal
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.testing.principals import customer
from order.closed_accounts.use_cases import ClosedAccounts
from order.listing.use_cases import Listing
from order.orders.domain import Order
from order.orders.use_cases import Orders
from order.placing.use_cases import Placing, Policy
from order.quotes.quoting import Quotes
from order.tests.fakes import FakeCatalog, FakeOrderCarts, FakeStore, place_order
from order.writing.domain import AccountLimits

POLICY = Policy(timedelta(minutes=10), 10_000, AccountLimits(1000, 1000), "secret")


class Shop:
    """Places and changes orders; `db.events` are the events that were emitted."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.clock = FakeClock()
        self.db = FakeDatabase()
        self.catalog = FakeCatalog(self.clock)
        self.store = FakeStore(self.db)
        self.carts = FakeOrderCarts()
        db: Any = self.db
        self.orders = Orders(db, self.store, self.catalog, self.carts, self.clock)
        self.rules = self.store.rules
        self.quotes = Quotes(self.rules, self.catalog, require_method=True, clock=self.clock)
        self.placing = Placing(db, self.store, self.catalog, self.quotes, policy)
        self.listing = Listing(self.store)
        self.closed_accounts = ClosedAccounts(db, self.store, self.store, self.carts, self.clock)

    async def place(
        self,
        caller: Principal,
        quantity: int = 1,
        *,
        key: str | None = None,
        account_id: UUID | None = None,
        address: str = "",
    ) -> Order:
        command = place_order(caller.account_id, quantity, key=key, account_id=account_id)
        return await self.placing.place(caller, command, address=address)

    async def pending(self, caller: Principal | None = None) -> Order:
        return await self.place(caller or customer())

    async def confirmed(self) -> Order:
        order = await self.pending()
        await self.pay(order)
        return await self.current(order)

    async def pay(self, order: Order) -> None:
        stock = await self.orders.commit_stock(order.id)
        async with self.db.transaction() as tx:
            await self.orders.payment_succeeded(tx, order.id, stock)

    async def fail_payment(self, order: Order) -> None:
        async with self.db.transaction() as tx:
            await self.orders.payment_failed(tx, order.id, "card_declined")

    async def current(self, order: Order) -> Order:
        """The order as it is stored now."""
        stored = await self.store.get(order.id, None)
        assert stored
        return stored
