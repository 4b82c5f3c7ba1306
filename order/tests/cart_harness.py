"""Carts on a real PostgreSQL, with prices of a catalog that tests set."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.auth import Principal
from kit.db import Database
from kit.errors import Unavailable
from kit.testing import FakeClock
from kit.testing.migrated import migrated
from kit.testing.principals import customer
from kit.values import PRODUCT, Money, SoldId
from order.cart_moves.store import PostgresMovingStore
from order.cart_moves.use_cases import CartMoves
from order.cart_quotes.domain import CartQuote
from order.cart_quotes.use_cases import CartReading
from order.carts.domain import Addition, Cart, CartLifetimes, Sellable, Unsellable
from order.carts.store import PostgresCartStore
from order.carts.use_cases import Carts
from order.orders.events import TOPIC
from order.pricing.rules import Rules

LIFETIMES = CartLifetimes(account=timedelta(days=180), guest=timedelta(days=30))


class FakePrices:
    """Sells products without options; `down` makes the catalog unavailable."""

    def __init__(self) -> None:
        self._sold: dict[UUID, Sellable | Unsellable] = {}
        self.down = False
        self.calls: list[Sequence[SoldId]] = []

    def sell(self, price: int = 999, currency: str = "USD", **details: Any) -> UUID:
        """A new product; its id is its variant's too."""
        variant_id = PRODUCT.new()
        self._sold[variant_id] = Sellable(
            product_id=variant_id,
            variant_id=variant_id,
            name="Mug",
            price=Money(price, currency),
            **details,
        )
        return variant_id

    def with_options(self) -> UUID:
        """A product with options."""
        product_id = PRODUCT.new()
        self._sold[product_id] = Unsellable.HAS_OPTIONS
        return product_id

    def change(self, variant_id: UUID, **details: Any) -> None:
        sold = self._sold[variant_id]
        assert isinstance(sold, Sellable)
        self._sold[variant_id] = replace(sold, **details)

    def delete(self, variant_id: UUID) -> None:
        del self._sold[variant_id]

    async def price(self, ids: Sequence[SoldId]) -> Sequence[Sellable | Unsellable]:
        self.calls.append(ids)
        if self.down:
            raise Unavailable("the catalog is down")
        return [self._sold.get(sold.variant_id, Unsellable.UNKNOWN) for sold in ids]


class FakeRules:
    """The rules of a shop; none unless a test sets them."""

    def __init__(self) -> None:
        self.rules = Rules()

    async def current(self) -> Rules:
        return self.rules


@dataclass
class CartHarness:
    """The use cases of carts, and a customer."""

    db: Database
    clock: FakeClock = field(default_factory=FakeClock)
    prices: FakePrices = field(default_factory=FakePrices)
    rules: FakeRules = field(default_factory=FakeRules)
    caller: Principal = field(default_factory=customer)

    def __post_init__(self) -> None:
        self.store = PostgresCartStore(self.db)
        self.carts = Carts(self.db, self.store, self.prices, LIFETIMES, self.clock)
        self.moves = CartMoves(PostgresMovingStore(), self.clock)
        self.reading = CartReading(self.store, self.prices, self.rules, max_units=10_000, clock=self.clock)

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
        yield CartHarness(db)
