"""Orders a cart.

The order's key is the cart and its version, so a repeated checkout returns the order that it placed. Placing takes the cart in the
statement that writes the order, so the order is the cart at that version. Not here: prices, stock, limits and the order itself (placing).
"""

from kit.auth import Principal
from kit.errors import SoukError
from order.cart_quotes.domain import CartProblem, ProblemCode
from order.carts.domain import Cart, CartState
from order.checkout.domain import CheckOut
from order.checkout.errors import CartEmpty, CartIncomplete, CartNotFound
from order.checkout.ports import CartQuotes, OrderableCarts, OrderPlacing
from order.orders.domain import Order
from order.placing.domain import PlaceOrder
from order.placing.errors import CartChanged
from order.writing.domain import CartVersion

# Placing names the first rule that an order breaks; a buyer gets all problems of the cart instead.
_PROBLEMS = {
    "ADDRESS_REQUIRED",
    "LINE_OVER_LIMIT",
    "MIXED_CURRENCY",
    "NOT_DELIVERED_THERE",
    "PRODUCT_NOT_FOUND",
    "REGION_UNKNOWN",
    "SHIPPING_METHOD_REQUIRED",
    "TOO_MANY_UNITS",
    "TOTAL_OUT_OF_RANGE",
    "VARIANT_REQUIRED",
}


class Checkout:
    """Orders carts."""

    def __init__(self, carts: OrderableCarts, quotes: CartQuotes, placing: OrderPlacing) -> None:
        self._carts = carts
        self._quotes = quotes
        self._placing = placing

    async def check_out(self, caller: Principal, command: CheckOut, *, address: str = "") -> Order:
        """The order of the caller's cart at a version; one that was placed before is returned before anything is judged.

        Raises CartNotFound, CartChanged, CartEmpty, CartIncomplete, and the errors of placing an order.
        """
        cart = await self._carts.find(command.cart_id, caller.account_id)
        if cart is None or cart.state is not CartState.OPEN or cart.version != command.version:
            return await self._stored(caller, command, cart)
        _check(cart, lacks_contact=caller.lacks_contact)
        try:
            return await self._placing.place(caller, _order_of(cart, command), address=address)
        except SoukError as rejection:
            # A concurrent checkout may have succeeded, with whose order prices or stock changed.
            if order := await self._find(caller, command):
                return order
            if rejection.reason in _PROBLEMS:
                await self._raise_problems(caller, cart)
            raise

    async def _stored(self, caller: Principal, command: CheckOut, cart: Cart | None) -> Order:
        if order := await self._find(caller, command):
            return order
        raise CartNotFound() if cart is None else _changed(cart)

    async def _find(self, caller: Principal, command: CheckOut) -> Order | None:
        return await self._placing.find_of_cart(caller.account_id, command.cart_id, command.request_id)

    async def _raise_problems(self, caller: Principal, cart: Cart) -> None:
        """Returns if the cart has no problem any more."""
        quoted = await self._quotes.quote(cart, lacks_contact=caller.lacks_contact)
        # Only the reservation decides on stock.
        problems = [problem for problem in quoted.problems if problem.code is not ProblemCode.LINE_SHORT]
        if problems:
            raise _incomplete(problems)


def _check(cart: Cart, *, lacks_contact: bool) -> None:
    """What the cart alone shows."""
    if not cart.lines:
        raise CartEmpty()
    if lacks_contact and not cart.has_contact:
        raise _incomplete([CartProblem(ProblemCode.CONTACT_MISSING, ("contact",))])


def _order_of(cart: Cart, command: CheckOut) -> PlaceOrder:
    return PlaceOrder(
        caller_id=cart.account_id,
        account_id=cart.account_id,
        quantities={line.variant_id: line.quantity for line in cart.lines},
        first_lines=tuple(range(len(cart.lines))),
        shipping_address=cart.shipping_address,
        payment_method=command.payment_method,
        expected_total=command.expected_total,
        request_id=command.request_id,
        input_hash=command.input_hash,
        shipping_method_id=cart.shipping_method_id,
        billing_address=cart.billing_address,
        confirmation=command.confirmation,
        save_method=command.save_method,
        cart=CartVersion(cart.id, cart.version),
        note=cart.note,
    )


def _changed(cart: Cart) -> CartChanged:
    return CartChanged(details={"version": cart.version, "state": cart.state.value})


def _incomplete(problems: list[CartProblem]) -> CartIncomplete:
    listed = [{"code": problem.code.value, "path": list(problem.path)} for problem in problems]
    return CartIncomplete(details={"problems": listed})
