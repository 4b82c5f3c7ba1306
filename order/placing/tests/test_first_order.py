"""The first order of the README, with the rules that `make run` seeds."""

from dataclasses import replace
from typing import Any

from kit.testing.principals import customer
from kit.values import Money
from order.placing.use_cases import Placing
from order.quotes.quoting import Quotes
from order.tests.fakes import place_order
from order.tests.rules import delivering
from order.tests.shop import POLICY, Shop


async def test_the_first_order_of_the_readme_costs_its_products_with_the_rules_of_make_run() -> None:
    """Prices include tax, no method is required, and the order names neither an address nor a method."""
    shop = Shop()
    db: Any = shop.db
    quotes = Quotes(shop.rules, shop.catalog, require_method=False, clock=shop.clock)
    placing = Placing(db, shop.store, shop.catalog, quotes, POLICY)
    rules = delivering()
    shop.rules.start(replace(rules, terms=replace(rules.terms, prices_include_tax=True)))
    caller = customer()

    order = await placing.place(caller, replace(place_order(caller.account_id, 2), expected_total="19.98"))

    assert (order.total, order.amounts.tax_included) == (Money(1998, "USD"), True)
    assert order.amounts.tax == Money(148, "USD")
