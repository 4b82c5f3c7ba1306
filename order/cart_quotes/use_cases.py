"""Reads the caller's cart: one statement here, one call to the catalog, and the pricing function."""

from collections.abc import Sequence
from uuid import UUID

from kit.auth import Principal
from kit.errors import SoukError, is_transient
from kit.values import Clock, SoldId
from order.cart_quotes.domain import CartQuote, CartTerms, quote_cart
from order.cart_quotes.ports import OpenCarts, RulesSource
from order.carts.domain import Cart, Sellable, Unsellable
from order.carts.errors import UnknownShippingMethod
from order.carts.ports import Prices


class CartReading:
    """Quotes carts. `max_units` is what an order may have of one variant."""

    def __init__(
        self,
        store: OpenCarts,
        prices: Prices,
        rules: RulesSource,
        *,
        max_units: int,
        clock: Clock,
    ) -> None:
        self._store = store
        self._prices = prices
        self._rules = rules
        self._max_units = max_units
        self._clock = clock

    async def get(self, caller: Principal) -> CartQuote | None:
        """The caller's open cart as it is now. While the catalog is unavailable it has no prices."""
        cart = await self._store.get(caller.account_id)
        return await self.quote(cart, lacks_contact=caller.lacks_contact) if cart else None

    async def quote(self, cart: Cart, *, lacks_contact: bool) -> CartQuote:
        """A cart as it is now."""
        snapshot = await self._rules.at(cart.rules_revision)
        terms = CartTerms(snapshot.rules, self._max_units, self._clock())
        return quote_cart(cart, await self._variants(cart), terms, lacks_contact=lacks_contact)

    async def require_method(self, method_id: UUID) -> None:
        """Raises UnknownShippingMethod for one that the shop does not have."""
        for rules in (self._rules.current, self._rules.newest):
            if method_id in (await rules()).rules.method_ids:
                return
        raise UnknownShippingMethod()

    async def _variants(self, cart: Cart) -> Sequence[Sellable | Unsellable] | None:
        if not cart.lines:
            return []
        try:
            return await self._prices.price(
                [SoldId(line.variant_id, by_product=False) for line in cart.lines]
            )
        except SoukError as error:
            # Any other error would be a mistake of ours, which must not look like an outage.
            if not is_transient(error):
                raise
            return None
