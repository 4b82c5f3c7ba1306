"""Rules that an ADMIN changes while two replicas place orders, on PostgreSQL: every order is priced by the rules it was written under."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kit.auth import Principal
from kit.db import Database, Migrations
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import admin, customer
from order.orders.domain import Order
from order.orders.events import TOPIC
from order.placing.use_cases import Placing
from order.pricing.places import Place
from order.pricing.rules import TaxRate, Terms
from order.quotes.quoting import Quotes
from order.rules.snapshot import PricingRules
from order.rules.store import PostgresRulesStore
from order.taxes.store import PostgresTaxStore
from order.taxes.use_cases import Taxes
from order.tests.fakes import FakeCatalog, place_order
from order.tests.shop import POLICY
from order.writing.store import PostgresNewOrderStore

__all__ = ["database_url", "postgres"]

TERMS = Terms(home_country="US")
ROUNDS, ORDERS = 6, 10


class Replica:
    """A process that places orders."""

    def __init__(self, url: str) -> None:
        self.db = Database(url, publishes=TOPIC)
        self.rules = PricingRules(PostgresRulesStore(self.db), TERMS)
        clock = FakeClock()
        catalog = FakeCatalog(clock)
        quotes = Quotes(self.rules, catalog, require_method=True, clock=clock)
        self.placing = Placing(self.db, PostgresNewOrderStore(self.db), catalog, quotes, POLICY)

    async def place(self) -> Order:
        caller: Principal = customer()
        return await self.placing.place(caller, place_order(caller.account_id, 100))


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[list[Replica]]:
    await Migrations("order").apply(database_url)
    replicas = [Replica(database_url) for _ in range(2)]
    for replica in replicas:
        await replica.db.open()
        await replica.rules.open()
    yield replicas
    for replica in replicas:
        await replica.db.close()


async def test_every_order_has_the_tax_of_the_rules_that_it_was_written_under(
    replicas: list[Replica],
) -> None:
    db = replicas[0].db
    taxes = Taxes(db, PostgresTaxStore(db))
    written: list[Order] = []
    for percent in range(1, ROUNDS + 1):
        before = percent - 1
        rate = TaxRate(Place("US"), "sales tax", percent * 10_000)
        change = taxes.set_rates(admin(), "US", [rate], expected_version=before)
        orders = [replica.place() for replica in replicas for _ in range(ORDERS // 2)]
        results = await asyncio.gather(*orders, change)
        placed = [result for result in results if isinstance(result, Order)]
        # 9.99 * 100 at the old or at the new rate; nothing else.
        assert {order.amounts.tax.minor for order in placed} <= {999 * before, 999 * percent}
        written += placed
        # What is placed after the change has its rate, on both replicas.
        for replica in replicas:
            assert (await replica.place()).amounts.tax.minor == 999 * percent

    assert len(written) == ROUNDS * ORDERS
    rows = await db.fetch(
        "SELECT o.tax, coalesce(sum(t.amount), 0)::bigint AS taxes FROM orders o LEFT JOIN order_taxes t ON t.order_id = o.id GROUP BY o.id"
    )
    assert all(row["tax"] == row["taxes"] for row in rows)
    assert len(rows) == ROUNDS * (ORDERS + 2)
