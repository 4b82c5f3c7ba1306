"""Several tabs check out one cart, on PostgreSQL: they share a key, and so a reservation."""

import pytest

from kit.testing.fixtures import database_url, postgres
from kit.values import Money
from order.checkout.errors import CartIncomplete
from order.checkout.tests.checking_out import check_out, ship_to
from order.orders.ports import StockState
from order.quotes.errors import PriceChanged
from order.tests.cart_harness import CartHarness, carts
from order.tests.rules import HOME, POST, delivering

__all__ = ["carts", "database_url", "postgres"]


async def nothing() -> None: ...


async def test_a_rejected_checkout_leaves_the_reservation_of_another_tab(carts: CartHarness) -> None:
    await carts.add({carts.prices.sell(999): 1})
    cart = await carts.cart()
    rejections: list[str] = []

    async def check_out_in_another_tab() -> None:
        carts.prices.after_reserving = nothing
        with pytest.raises(PriceChanged) as rejection:
            await check_out(carts, cart, expected_total="8.99")
        rejections.append(rejection.value.reason)

    carts.prices.after_reserving = check_out_in_another_tab
    order = await check_out(carts, cart, expected_total="9.99")

    assert rejections == ["PRICE_CHANGED"]
    assert carts.prices.states == {order.id: StockState.HELD}


async def test_a_product_that_is_deleted_while_it_is_reserved_is_a_line_that_is_gone(
    carts: CartHarness,
) -> None:
    """The process of the first checkout ended after it had reserved stock."""
    await carts.set_rules(delivering())
    mug = carts.prices.sell(999)
    await carts.add({mug: 1})
    await ship_to(carts, HOME, POST)
    quoted = (await carts.quote()).quote
    assert quoted
    expected = Money(quoted.total, "USD").text()

    async def end() -> None:
        raise ConnectionError

    carts.prices.after_reserving = end
    with pytest.raises(ConnectionError):
        await check_out(carts, expected_total=expected)
    carts.prices.after_reserving = nothing
    carts.prices.delete(mug)

    for _ in range(2):
        with pytest.raises(CartIncomplete) as incomplete:
            await check_out(carts, expected_total=expected)
        assert incomplete.value.details["problems"] == [{"code": "LINE_GONE", "path": ["lines", 0]}]
    assert len(carts.prices.states) == 1
