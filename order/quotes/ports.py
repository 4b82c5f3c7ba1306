"""What quotes need: a request, prices of the catalog, and rules."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from order.addresses.domain import Address
from order.pricing.charges import PricedItem
from order.rules.domain import Snapshot


class QuoteRequest(Protocol):
    """What is ordered, where it goes, and the total that the buyer saw: `placing.domain.PlaceOrder`."""

    @property
    def quantities(self) -> Mapping[UUID, int]:
        """The units of each variant."""

    @property
    def by_product(self) -> frozenset[UUID]:
        """The variants that were named by their product, which must not have options then."""

    @property
    def shipping_address(self) -> Address | None:
        """Where the goods go."""

    @property
    def billing_address(self) -> Address | None:
        """Decides the tax where there is no shipping address."""

    @property
    def shipping_method_id(self) -> UUID | None:
        """The method that the buyer chose."""

    @property
    def expected_total(self) -> str:
        """The decimal that the buyer saw, or empty."""

    @property
    def is_checkout(self) -> bool:
        """Whether a cart is ordered; it always needs a shipping method where the shop has one."""


class Prices(Protocol):
    """Current prices in the catalog, without reserving anything."""

    async def price_lines(self, request: QuoteRequest) -> tuple[str, list[PricedItem]] | None:
        """The currency and the lines to price, in the order of the request; None if the lines cannot be ordered as they are.

        Reserving them raises the reason.
        """


class RulesCache(Protocol):
    """The rules of prices."""

    async def current(self) -> Snapshot:
        """The rules as this process knows them, which may be outdated."""

    async def newest(self) -> Snapshot:
        """The rules as they are now."""

    async def after(self, revision: int) -> Snapshot:
        """Rules that are newer than a revision that was rejected."""
