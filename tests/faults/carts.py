"""A shopper who orders through the cart: adds products, reads the cart and checks it out as it was shown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.e2e.responses import Response
from tests.e2e.shop import Person

ADD_TO_CART: Final = """
mutation Add($lines: [OrderProductInput!]!, $key: String) { addToCart(lines: $lines, idempotencyKey: $key) { id } }
"""
CART: Final = "query Cart { cart { id version total currency lines { id } } }"
SET_CART_LINE: Final = "mutation Set($id: ID!) { setCartLine(id: $id, quantity: 0) { id } }"
CHECKOUT: Final = "mutation Checkout($input: CheckoutInput!) { checkout(input: $input) { id currency } }"
# An operation's name and its call, repeated until it succeeds or is rejected; None if it did neither in time.
Call = Callable[[str, Callable[[Person], Awaitable[Response]]], Awaitable[Response | None]]


@dataclass(slots=True)
class CheckedOut:
    """The order of a cart and its currency; several are a violation."""

    orders: dict[str, str] = field(default_factory=dict)


async def order_from_cart(
    call: Call, lines: Sequence[tuple[str, int]], card: str, key: str, *, times: int
) -> CheckedOut:
    """Checks the cart out `times` times at once; a cart that cannot be ordered is emptied, so that the next one can."""
    requested = [{"id": product, "quantity": quantity} for product, quantity in lines]
    result = CheckedOut()
    added = await call("add to cart", lambda buyer: buyer.execute(ADD_TO_CART, lines=requested, key=key))
    cart = await _read(call)
    if cart is None or cart["total"] is None:
        return result
    # Lines in another currency are those of an earlier order that was not paid.
    if added is None or added.errors:
        await _empty(call, cart)
        return result
    shown = {"cartId": cart["id"], "version": cart["version"], "expectedTotal": cart["total"]}

    async def check_out() -> Response | None:
        chosen = {**shown, "paymentMethod": card}
        return await call("check out", lambda buyer: buyer.execute(CHECKOUT, input=chosen))

    responses = [one for one in await asyncio.gather(*(check_out() for _ in range(times))) if one]
    orders = [response.get("checkout") for response in responses if not response.errors]
    result.orders |= {order["id"]: order["currency"] for order in orders}
    if not orders:
        await _empty(call, cart)
    return result


async def _read(call: Call) -> Mapping[str, Any] | None:
    response = await call("read cart", lambda buyer: buyer.execute(CART))
    cart: Mapping[str, Any] | None = response.get("cart") if response and not response.errors else None
    return cart


async def _empty(call: Call, cart: Mapping[str, Any]) -> None:
    for line in cart["lines"]:
        await _remove(call, line["id"])


async def _remove(call: Call, line_id: str) -> None:
    await call("remove from cart", lambda buyer: buyer.execute(SET_CART_LINE, id=line_id))
