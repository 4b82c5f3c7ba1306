"""Orders with amounts on PostgreSQL: what is written with them, conditions on the rules, and what the statement costs without them."""

from dataclasses import replace

import pytest

from kit.db import CheckViolation
from kit.testing.fixtures import database_url, postgres
from kit.values import Money, utc_now
from order.lines.domain import amounts_of, line_amounts
from order.orders.domain import Order, Schedule
from order.pricing.charges import PricedItem
from order.pricing.discounts import Discount, DiscountClass, Reward
from order.pricing.places import Destination
from order.pricing.quote import Quote, price
from order.tests.rules import HOME, POST, ZURICH, delivering
from order.tests.store_contract import NO_LIMITS, StoreHarness, harness, postgres_harness
from order.writing.ports import NewOrder, Outcome
from order.writing.statement import place_statement

__all__ = ["database_url", "harness", "postgres", "postgres_harness"]

OFF = Discount("spring", DiscountClass.ORDER, Reward.AMOUNT, 1000, code="SPRING")


def quote(*discounts: Discount) -> Quote:
    items = [PricedItem(99_999, 2), PricedItem(999, 1)]
    return price(items, delivering(), Destination("US"), POST, discounts, currency="USD", now=utc_now())


def priced(harness: StoreHarness, quoted: Quote, *, required: bool = True) -> NewOrder:
    """The harness's order, as it is quoted."""
    new = harness.new_order()
    plain = new.event.order
    lines = [
        replace(line, amounts=line_amounts(quoted, charge))
        for line, charge in zip(plain.lines, quoted.lines, strict=True)
    ]
    event = Order.place(
        plain.id,
        plain.number,
        plain.account_id,
        lines,
        HOME,
        "",
        Schedule(plain.deadline, plain.deadline),
        plain.create_time,
        None,
        amounts_of(quoted),
        ZURICH,
    )
    return replace(new, event=event, quote=quoted, shipping_required=required)


async def test_an_order_is_read_with_the_amounts_that_it_was_placed_with(harness: StoreHarness) -> None:
    new = priced(harness, quote(OFF))

    assert await harness.placing.place([new], NO_LIMITS) == [Outcome.WRITTEN]
    assert await harness.store.get(new.event.order.id, None) == new.event.order


async def test_orders_with_and_without_amounts_are_written_together(harness: StoreHarness) -> None:
    batch = [harness.new_order(), priced(harness, quote()), harness.new_order()]

    assert await harness.placing.place(batch, NO_LIMITS) == [Outcome.WRITTEN] * 3
    for new in batch:
        stored = await harness.store.get(new.event.order.id, None)
        assert stored
        assert (stored.total, stored.amounts.subtotal) == (
            new.event.order.total,
            new.event.order.amounts.subtotal,
        )


async def test_taxes_and_discounts_are_stored_by_line_and_for_shipping(
    postgres_harness: StoreHarness,
) -> None:
    new = priced(postgres_harness, quote(OFF))
    await postgres_harness.placing.place([new], NO_LIMITS)

    taxes = await postgres_harness.db.fetch(
        "SELECT position, taxable, amount FROM order_taxes ORDER BY position"
    )
    discounts = await postgres_harness.db.fetch(
        "SELECT position, name, code, amount FROM order_discounts ORDER BY position"
    )

    # 10.00 over 1,999.98 and 9.99: 9.95 and 0.05. The subtotal is above 50.00, so shipping is free.
    assert [tuple(row) for row in taxes] == [(-1, 0, 0), (0, 199_003, 15_920), (1, 994, 80)]
    assert [tuple(row) for row in discounts] == [(0, "spring", "SPRING", 995), (1, "spring", "SPRING", 5)]


async def test_an_order_that_was_priced_by_older_rules_is_not_written(harness: StoreHarness) -> None:
    outdated = replace(harness.new_order(), revision=0)

    outcomes = await harness.placing.place([outdated, harness.new_order()], NO_LIMITS)

    assert outcomes == [Outcome.RULES_CHANGED, Outcome.WRITTEN]
    assert await harness.store.get(outdated.event.order.id, None) is None


async def test_the_database_rejects_an_order_without_the_method_that_it_needs(
    postgres_harness: StoreHarness,
) -> None:
    without_method = replace(quote(), shipping=None, method=None)

    with pytest.raises(CheckViolation, match="orders_shipping_required"):
        await postgres_harness.placing.place([priced(postgres_harness, without_method)], NO_LIMITS)


async def test_a_total_of_zero_is_written(harness: StoreHarness) -> None:
    everything = Discount("gift", DiscountClass.ORDER, Reward.PERCENT, 1_000_000)
    free_shipping = Discount("gift", DiscountClass.SHIPPING, Reward.PERCENT, 1_000_000)
    new = priced(harness, quote(everything, free_shipping))

    assert new.event.order.total == Money(0, "USD")
    assert await harness.placing.place([new], NO_LIMITS) == [Outcome.WRITTEN]


async def test_rows_of_an_earlier_release_cost_their_goods(postgres_harness: StoreHarness) -> None:
    [order] = await postgres_harness.place()

    row = await postgres_harness.db.fetchrow("SELECT subtotal, discount, tax, shipping FROM orders")
    stored = await postgres_harness.store.get(order.id, None)

    assert tuple(row) == (None, 0, 0, None)
    assert stored
    assert stored.amounts.subtotal == stored.total == order.total
    assert [line.total for line in stored.lines] == [Money(199_998, "USD"), Money(999, "USD")]


def test_a_batch_without_amounts_and_carts_has_the_short_statement() -> None:
    short, long = place_statement(amounts=False, carts=False), place_statement(amounts=True, carts=True)

    assert "order_taxes" not in short
    assert "carts" not in short
    assert {"order_taxes", "order_discounts", "cart_version"} <= set(long.replace(",", " ").split())
