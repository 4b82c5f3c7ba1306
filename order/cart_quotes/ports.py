"""What quotes of carts need: the cart and the shop's rules. Prices are those of `carts.ports`."""

from typing import Protocol
from uuid import UUID

from order.carts.domain import Cart
from order.pricing.rules import Rules


class OpenCarts(Protocol):
    """Reads open carts."""

    async def get(self, account_id: UUID) -> Cart | None:
        """The open cart of an account."""
        ...


class RulesSource(Protocol):
    """The shop's rules for prices."""

    async def current(self) -> Rules:
        """The rules as they are now."""
        ...
