"""Rules, prices and reservations that change while an order is placed, on fakes."""

import pytest

from kit.errors import IdempotencyConflict, Unavailable
from kit.testing.principals import customer
from kit.values import PRODUCT, Money
from order.orders.ports import StockState
from order.placing.tests.priced import held, place, shop
from order.pricing.rules import Rules
from order.quotes.errors import (
    PriceChanged,
    RulesChanged,
    TotalOutOfRange,
)
from order.tests.fakes import FakeCatalog
from order.tests.rules import POST, delivering, taxed
from order.tests.shop import Shop

__all__ = ["shop"]


async def test_rules_that_came_since_the_process_read_them_are_applied(shop: Shop) -> None:
    shop.rules.change(taxed())

    order = await place(shop)

    assert order.total == Money(1079, "USD")
    assert len(held(shop)) == 1


@pytest.mark.parametrize("expected_total", ["", "10.79"])
async def test_outdated_rules_reject_nothing(shop: Shop, expected_total: str) -> None:
    shop.rules.start(delivering(price=900))
    shop.rules.change(taxed())

    order = await place(shop, expected_total=expected_total)

    assert order.total == Money(1079, "USD")


async def test_rules_that_change_while_an_order_is_placed_are_applied(shop: Shop) -> None:
    shop.rules.start(taxed())

    async def change() -> None:
        shop.rules.change(taxed(100_000))

    shop.catalog.before_reserving = change
    order = await place(shop)

    assert order.total == Money(1099, "USD")


async def test_changed_rules_are_an_error_only_where_the_total_is_not_the_expected_one(shop: Shop) -> None:
    shop.rules.change(taxed())

    with pytest.raises(PriceChanged):
        await place(shop, expected_total="9.99")

    assert held(shop) == []
    assert (await place(shop, expected_total="10.79")).total == Money(1079, "USD")


async def test_rules_that_never_stop_changing_end_the_attempt(shop: Shop) -> None:
    shop.rules.changes_forever = True

    with pytest.raises(RulesChanged):
        await place(shop)

    assert held(shop) == []
    assert shop.db.events == []


async def test_a_price_that_changes_before_the_reservation_is_an_error_only_for_who_expects_a_total(
    shop: Shop,
) -> None:
    shop.rules.start(taxed())

    async def raise_price() -> None:
        shop.catalog.price = Money(2000, "USD")

    shop.catalog.before_reserving = raise_price
    order = await place(shop)
    shop.catalog.price = FakeCatalog.price
    with pytest.raises(PriceChanged) as caught:
        await place(shop, expected_total="10.79")

    assert order.total == Money(2160, "USD")
    assert caught.value.details["total"] == "21.60"
    assert len(held(shop)) == 1


async def test_an_older_reservation_keeps_its_prices(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.catalog.reserved_price = Money(500, "USD")

    order = await place(shop)

    assert order.lines[0].unit_price == Money(500, "USD")
    assert order.total == Money(540, "USD")


async def test_a_repeated_request_may_name_its_lines_in_another_order(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.catalog.reserved_in_other_order = True
    one, five = PRODUCT.derive("one"), PRODUCT.derive("five")

    order = await place(shop, quantities={one: 1, five: 5}, first_lines=(0, 1))

    assert [(line.product_id, line.quantity) for line in order.lines] == [(one, 1), (five, 5)]
    assert [line.total for line in order.lines] == [Money(1079, "USD"), Money(5395, "USD")]
    assert order.total == Money(6474, "USD")


@pytest.mark.parametrize("reserved", [900, 1100])
async def test_an_older_reservation_is_not_sold_at_another_total_than_the_expected_one(
    shop: Shop, reserved: int
) -> None:
    shop.catalog.reserved_price = Money(reserved, "USD")

    with pytest.raises(PriceChanged) as caught:
        await place(shop, expected_total="9.99")

    assert caught.value.details["total"] == Money(reserved, "USD").text()
    assert held(shop) == []
    shop.catalog.reserved_price = None
    assert (await place(shop, expected_total="9.99")).total == Money(999, "USD")


async def test_the_providers_limits_hold_for_what_was_reserved_by_rules_that_are_gone(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.rules.change(Rules())
    shop.catalog.reserved_price = Money(1, "USD")

    with pytest.raises(TotalOutOfRange):
        await place(shop)

    assert held(shop) == []


async def test_a_stored_order_is_returned_before_its_prices_are_judged_again(shop: Shop) -> None:
    caller = customer()
    shop.rules.start(delivering())
    first = await place(shop, caller=caller, key="k", shipping_method_id=POST, expected_total="16.19")
    shop.rules.start(delivering(price=900))

    again = await place(shop, caller=caller, key="k", shipping_method_id=POST, expected_total="16.19")
    with pytest.raises(IdempotencyConflict):
        await place(shop, 2, caller=caller, key="k", shipping_method_id=POST, input_hash=b"other")

    assert again == first


async def test_while_the_catalog_is_down_nothing_is_released(shop: Shop) -> None:
    shop.rules.change(taxed())

    async def fail(*_: object) -> None:
        raise Unavailable()

    shop.catalog.price_lines = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(Unavailable):
        await place(shop)

    assert held(shop) == [StockState.HELD]


async def test_a_shop_without_any_rules_any_more_prices_as_before(shop: Shop) -> None:
    shop.rules.start(taxed())
    shop.rules.change(Rules())

    assert (await place(shop)).total == Money(999, "USD")
