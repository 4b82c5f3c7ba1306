"""What quotes of carts need: the cart and the shop's rules. Prices are those of `carts.ports`."""

from typing import Protocol
from uuid import UUID

from order.carts.domain import Cart
from order.rules.domain import Snapshot


class OpenCarts(Protocol):
    """Reads open carts."""

    async def get(self, account_id: UUID) -> Cart | None:
        """The open cart of an account."""


class RulesSource(Protocol):
    """The shop's rules for prices."""

    async def current(self) -> Snapshot:
        """The rules as this process knows them, which may be outdated."""

    async def newest(self) -> Snapshot:
        """The rules as they are now."""

    async def at(self, revision: int) -> Snapshot:
        """The rules at a revision, or newer ones."""
