"""Carts and checkout on the stack: paid, declined and opened again, merged after a login, and with stock that others take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.documents import START_GUEST
from tests.e2e.responses import Response, within
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

_CART = "id version total lines { quantity variant { price } } problems { code } warnings { code available }"
ADD = f"mutation($id: ID!, $n: Int!) {{ addToCart(lines: [{{id: $id, quantity: $n}}]) {{ {_CART} }} }}"
CART = f"query {{ cart {{ {_CART} }} }}"
MERGE = f"mutation($guestToken: String!) {{ mergeCart(guestToken: $guestToken) {{ {_CART} }} }}"
CHECKOUT = "mutation($input: CheckoutInput!) { checkout(input: $input) { id status totalPrice } }"


@dataclass
class Buying:
    """A shop with an ADMIN and a product of 10 units."""

    shop: Shop
    admin: Person
    product: str

    async def add(self, buyer: Person, quantity: int = 2) -> Mapping[str, Any]:
        cart: Mapping[str, Any] = (await buyer.execute(ADD, id=self.product, n=quantity)).get("addToCart")
        return cart

    async def try_to_check_out(self, buyer: Person, cart: Mapping[str, Any], card: str = "") -> Response:
        shown = {"cartId": cart["id"], "version": cart["version"], "expectedTotal": cart["total"]}
        return await buyer.execute(CHECKOUT, input=shown | ({"paymentMethod": card} if card else {}))

    async def check_out(self, buyer: Person, cart: Mapping[str, Any], card: str = "") -> Mapping[str, Any]:
        order: Mapping[str, Any] = (await self.try_to_check_out(buyer, cart, card)).get("checkout")
        return order


@pytest.fixture
async def buying(stack: StackUnderTest) -> AsyncIterator[Buying]:
    async with stack.shop() as shop:
        admin = await shop.admin()
        yield Buying(shop, admin, await admin.create_product(price="12.50", stock=10))


async def open_cart(buyer: Person) -> Mapping[str, Any]:
    async def opened() -> Mapping[str, Any] | None:
        cart: Mapping[str, Any] | None = (await buyer.execute(CART)).get("cart")
        return cart

    return await within(20, opened, "an open cart")


async def test_a_cart_that_is_checked_out_in_ten_tabs_becomes_one_paid_order(buying: Buying) -> None:
    buyer = await buying.shop.register()
    cart = await buying.add(buyer)
    assert (cart["total"], cart["problems"]) == ("25.00", [])
    assert cart["lines"] == [{"quantity": 2, "variant": {"price": "12.50"}}]

    orders = await asyncio.gather(*(buying.check_out(buyer, cart) for _ in range(10)))

    assert {order["totalPrice"] for order in orders} == {"25.00"}
    [order_id] = {order["id"] for order in orders}
    await buyer.wait_for_status(order_id, "CONFIRMED")
    assert (await buyer.execute(CART)).get("cart") is None
    assert await buying.admin.stock(buying.product) == 8


async def test_a_cart_whose_payment_is_declined_opens_again_and_can_be_paid_with_another_card(
    buying: Buying,
) -> None:
    buyer = await buying.shop.register()
    first = await buying.add(buyer)
    declined = await buying.check_out(buyer, first, "pm_card_chargeDeclined")
    await buyer.wait_for_status(declined["id"], "CANCELLED")

    cart = await open_cart(buyer)

    assert (cart["id"], cart["lines"]) == (first["id"], first["lines"])
    assert cart["version"] > first["version"]
    order = await buying.check_out(buyer, cart, "pm_card_visa")
    await buyer.wait_for_status(order["id"], "CONFIRMED")
    assert (await buying.check_out(buyer, first))["id"] == declined["id"]


async def test_what_a_guest_put_into_the_cart_is_there_after_the_login(buying: Buying) -> None:
    started = (await buying.shop.execute(START_GUEST)).get("startGuest")
    guest = Person(buying.shop, started["account"]["id"], "", started["accessToken"])
    buyer = await buying.shop.register()
    await buying.add(guest, 3)
    await buying.add(buyer, 1)

    merged = [(await buyer.execute(MERGE, guestToken=guest.token)).get("mergeCart") for _ in range(2)]

    assert [[line["quantity"] for line in cart["lines"]] for cart in merged] == [[3], [3]]
    assert merged[0] == merged[1]


async def test_stock_that_others_took_is_a_warning_and_rejects_the_checkout(buying: Buying) -> None:
    buyer, other = await buying.shop.register(), await buying.shop.register()
    cart = await buying.add(buyer, 10)
    await buying.check_out(other, await buying.add(other, 1))

    short = await open_cart(buyer)

    assert short["warnings"] == [{"code": "LESS_IN_STOCK", "available": 9}]
    assert [problem["code"] for problem in short["problems"]] == ["LINE_SHORT"]
    assert (await buying.try_to_check_out(buyer, cart)).codes == ["OUT_OF_STOCK"]
    assert (await open_cart(buyer))["version"] == cart["version"]
