"""Carts on a real PostgreSQL, with prices of a catalog that tests set."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from kit.auth import Principal
from kit.db import Database
from kit.errors import InvalidArgument
from kit.testing import FakeClock
from kit.testing.migrated import migrated
from kit.testing.principals import customer
from kit.values import SoldId
from order.cart_moves.store import PostgresMovingStore
from order.cart_moves.use_cases import CartMoves, GuestCarts
from order.cart_quotes.domain import CartQuote
from order.cart_quotes.use_cases import CartReading
from order.carts.domain import Addition, Cart, CartLifetimes
from order.carts.store import PostgresCartStore
from order.carts.use_cases import Carts
from order.checkout.use_cases import Checkout
from order.orders.events import TOPIC
from order.orders.store import PostgresOrderStore
from order.orders.use_cases import Orders
from order.placing.use_cases import Placing
from order.pricing.rules import Rules
from order.quotes.quoting import Quotes
from order.rules.domain import Snapshot
from order.tests.fake_rules import FakeRules
from order.tests.shop import POLICY
from order.tests.small_catalog import SmallCatalog
from order.writing.store import PostgresNewOrderStore

LIFETIMES = CartLifetimes(account=timedelta(days=180), guest=timedelta(days=30))


class ShopRules(FakeRules):
    """The rules of a shop as carts read them; none unless a test sets them."""

    async def at(self, revision: int) -> Snapshot:
        return await self.current()


class FakeGuests:
    """Guests by their tokens."""

    def __init__(self) -> None:
        self._guests: dict[str, UUID] = {}

    def token(self, guest: Principal) -> str:
        token = guest.account_id.hex
        self._guests[token] = guest.account_id
        return token

    async def merge(self, guest_token: str) -> UUID:
        if guest_token not in self._guests:
            raise InvalidArgument(reason="GUEST_ONLY")
        return self._guests[guest_token]


class CartHarness:
    """The use cases of carts and of checkout, and a customer."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.caller = customer()
        self.clock = FakeClock()
        self.prices = SmallCatalog(self.clock)
        self.rules = ShopRules()
        self.store = PostgresCartStore(db)
        self.carts = Carts(db, self.store, self.prices, LIFETIMES, self.clock)
        self.moves = CartMoves(PostgresMovingStore(), self.clock)
        self.reading = CartReading(self.store, self.prices, self.rules, max_units=10_000, clock=self.clock)
        quotes = Quotes(self.rules, self.prices, require_method=True, clock=self.clock)
        self.placing = Placing(db, PostgresNewOrderStore(db), self.prices, quotes, POLICY)
        self.orders = Orders(db, PostgresOrderStore(db), self.prices, self.moves, self.clock)
        self.checkout = Checkout(self.store, self.reading, self.placing)

        self.guests = FakeGuests()
        self.guest_carts = GuestCarts(db, self.moves, self.guests)

    async def set_rules(self, rules: Rules) -> None:
        """New rules of the shop, which this process knows."""
        revision = await self.db.fetchval(
            "UPDATE pricing_state SET revision = revision + 1 RETURNING revision"
        )
        self.rules.snapshot = self.rules.known = Snapshot(revision, rules)

    async def add(
        self, quantities: dict[UUID, int], caller: Principal | None = None, *, key: str = ""
    ) -> None:
        await self.carts.add(caller or self.caller, addition(quantities, key=key))

    async def quote(self, caller: Principal | None = None) -> CartQuote:
        quoted = await self.reading.get(caller or self.caller)
        assert quoted
        return quoted

    async def cart(self, caller: Principal | None = None) -> Cart:
        return (await self.quote(caller)).cart

    async def quantities(self, caller: Principal | None = None) -> dict[UUID, int]:
        """The units of each variant in the open cart; empty without a cart."""
        cart = await self.store.get((caller or self.caller).account_id)
        return {line.variant_id: line.quantity for line in cart.lines} if cart else {}

    async def order(self, cart: Cart) -> UUID:
        """Makes the cart ORDERED, as placing does; the order's id."""
        order_id = uuid4()
        await self.db.execute(
            "UPDATE carts SET state = 'ORDERED', order_id = $2 WHERE id = $1", cart.id, order_id
        )
        return order_id

    async def states(self) -> dict[UUID, str]:
        rows = await self.db.fetch("SELECT id, state FROM carts")
        return {row["id"]: row["state"] for row in rows}


def addition(quantities: dict[UUID, int], *, key: str = "") -> Addition:
    named = {SoldId(product_id, by_product=True): quantity for product_id, quantity in quantities.items()}
    return Addition(named, tuple(range(len(named))), key or uuid4().hex, repr(named).encode())


@pytest.fixture
async def carts(database_url: str) -> AsyncIterator[CartHarness]:
    async with migrated(database_url, "order", publishes=TOPIC) as db:
        harness = CartHarness(db)
        await harness.set_rules(Rules())
        yield harness
