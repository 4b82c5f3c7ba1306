"""Ordering through the cart: products are added, the cart is read, and checked out as it was shown, sometimes in several tabs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.e2e.responses import Response
from tests.faults.calls import Calls, User

ADD_TO_CART: Final = """
mutation Add($lines: [OrderProductInput!]!, $key: String) { addToCart(lines: $lines, idempotencyKey: $key) { id } }
"""
CART: Final = "query Cart { cart { id version total currency lines { id variantId quantity } } }"
SET_CART_LINE: Final = "mutation Set($id: ID!) { setCartLine(id: $id, quantity: 0) { id } }"
CHECKOUT: Final = """
mutation Checkout($input: CheckoutInput!) {
  checkout(input: $input) { id currency totalPrice lines { variantId quantity } }
}
"""
Line = tuple[str, int]
Cart = Mapping[str, Any]


@dataclass(slots=True)
class CheckedOut:
    """The order of a cart and its currency."""

    orders: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CartBuyer:
    """A user with a cart. `changing`: variants whose price changes and that are deleted."""

    calls: Calls
    user: User
    changing: Collection[str]

    async def add(self, lines: Sequence[Line], key: str) -> bool:
        """Adds lines, once for the key; whether it succeeded."""
        requested = [{"id": product, "quantity": quantity} for product, quantity in lines]
        response = await self._call(
            self._named("add to cart", dict(lines)), ADD_TO_CART, lines=requested, key=key
        )
        return response is not None and not response.errors

    async def fill(self, lines: Sequence[Line], key: str) -> bool:
        """As `add`; a cart that does not take the lines is emptied, so that it takes the next ones."""
        if await self.add(lines, key):
            return True
        # Its lines in another currency are those of an earlier order that was not paid.
        if cart := await self.read():
            await self._empty(cart)
        return False

    async def read(self) -> Cart | None:
        """The open cart."""
        response = await self._call("read cart", CART)
        return response.get("cart") if response and not response.errors else None

    async def order(
        self, card: str, *, times: int = 1, beside: tuple[Sequence[Line], str] | None = None
    ) -> CheckedOut:
        """Checks the cart out `times` times at once; a cart that cannot be ordered is emptied, so that the next one can.

        `beside`: lines, and the key with which another tab adds them at the same time.
        """
        cart = await self.read()
        if cart is None or not cart["lines"]:
            return CheckedOut()
        if cart["total"] is None:
            await self._empty(cart)
            return CheckedOut()
        result, is_added = await asyncio.gather(
            self.check_out(cart, card, times=times), self._add_beside(beside)
        )
        if beside and is_added:
            await self._require_lines(beside[0])
        elif not result.orders:
            await self._empty(cart)
        return result

    async def check_out(
        self, cart: Cart, card: str, *, times: int = 1, operation: str = "check out"
    ) -> CheckedOut:
        """Checks a cart out as it was read; each order must be the cart at that version."""
        shown = {"cartId": cart["id"], "version": cart["version"], "expectedTotal": cart["total"]}
        lines = _quantities(cart)
        operation = self._named(operation, lines)
        responses = await asyncio.gather(
            *(self._call(operation, CHECKOUT, input={**shown, "paymentMethod": card}) for _ in range(times))
        )
        orders = {
            response.get("checkout")["id"]: response.get("checkout")
            for response in responses
            if response and not response.errors
        }
        if len(orders) > 1:
            self._violation(f"cart {cart['id']} became several orders: {sorted(orders)}")
        for order_id, order in orders.items():
            if (_quantities(order), order["totalPrice"]) != (lines, cart["total"]):
                self._violation(
                    f"order {order_id} is not cart {cart['id']} at version {cart['version']}: {order}, {cart}"
                )
        return CheckedOut({order_id: order["currency"] for order_id, order in orders.items()})

    async def _add_beside(self, beside: tuple[Sequence[Line], str] | None) -> bool:
        return beside is not None and await self.add(*beside)

    async def _require_lines(self, lines: Sequence[Line]) -> None:
        """What another tab added is not part of an order, so it is in the cart."""
        cart = await self.read()
        held = _quantities(cart) if cart else Counter()
        if missing := [line for line in lines if held[as_variant(line[0])] < line[1]]:
            self._violation(f"{missing} were added while the cart was checked out, and are not in {cart}")

    async def _empty(self, cart: Cart) -> None:
        for line in cart["lines"]:
            await self._call("remove from cart", SET_CART_LINE, id=line["id"])

    async def _call(self, operation: str, document: str, **variables: Any) -> Response | None:
        return await self.calls.retry(
            operation, self.user, lambda buyer: buyer.execute(document, **variables)
        )

    def _named(self, operation: str, products: Mapping[str, int]) -> str:
        """Operations with variants that change have errors of their own."""
        return (
            f"{operation} with variants"
            if any(product in self.changing for product in products)
            else operation
        )

    def _violation(self, text: str) -> None:
        self.calls.totals.violations.append(text)


def as_variant(product_id: str) -> str:
    """The id of the variant that an id of a product or variant means in a cart."""
    return product_id.replace("prod_", "var_")


def _quantities(lines: Mapping[str, Any]) -> Counter[str]:
    """The quantity of each variant of a cart or an order."""
    return Counter({line["variantId"]: line["quantity"] for line in lines["lines"]})
