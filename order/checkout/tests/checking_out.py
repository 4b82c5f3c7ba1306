"""Steps of the tests of checkout."""

from typing import Any

from kit.auth import Principal
from order.addresses.domain import Address
from order.carts.domain import Cart, CartChange
from order.checkout.domain import CheckOut
from order.orders.domain import Order
from order.tests.cart_harness import CartHarness


async def check_out(
    carts: CartHarness, cart: Cart | None = None, caller: Principal | None = None, **fields: Any
) -> Order:
    """Orders the open cart as it is, or `cart` as it was."""
    caller = caller or carts.caller
    cart = cart or await carts.cart(caller)
    command = CheckOut(**{"cart_id": cart.id, "version": cart.version, "expected_total": "", **fields})
    return await carts.checkout.check_out(caller, command)


async def ship_to(carts: CartHarness, address: Address | None, method: Any = None) -> None:
    names = frozenset({"shipping_address", "shipping_method_id"})
    await carts.carts.change(carts.caller, CartChange(names, address, shipping_method_id=method))
