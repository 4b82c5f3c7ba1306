"""What checkout needs: the cart, its quote, and placing."""

from typing import Protocol
from uuid import UUID

from kit.auth import Principal
from order.cart_quotes.domain import CartQuote
from order.carts.domain import Cart
from order.orders.domain import Order
from order.placing.domain import PlaceOrder


class OrderableCarts(Protocol):
    """Carts in any state."""

    async def find(self, cart_id: UUID, account_id: UUID) -> Cart | None:
        """A cart of an account, open or not."""


class CartQuotes(Protocol):
    """What is wrong with a cart."""

    async def quote(self, cart: Cart, *, lacks_contact: bool) -> CartQuote:
        """The cart as it is now."""


class OrderPlacing(Protocol):
    """Places orders: `placing.use_cases.Placing`."""

    async def place(self, caller: Principal, command: PlaceOrder, *, address: str = "") -> Order:
        """The order, or the one that was placed with this key."""

    async def find_of_cart(self, account_id: UUID, cart_id: UUID, request_id: str) -> Order | None:
        """The order that was placed with a key from an account's cart, also by a guest that was merged into the account."""
