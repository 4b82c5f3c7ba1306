"""What an order costs by the rules that this process knows, at its start and again when prices or rules have changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kit.auth import Principal
from kit.values import Clock
from order.addresses.domain import Address
from order.lines.domain import Line
from order.pricing.charges import PricedItem
from order.pricing.places import Destination
from order.pricing.quote import Quote, price
from order.pricing.rules import Rules
from order.quotes.errors import RulesChanged
from order.quotes.judging import rejections, rejections_of_goods
from order.quotes.ports import Prices, QuoteRequest, RulesCache
from order.rules.domain import Snapshot


@dataclass(frozen=True, slots=True)
class Priced:
    """An order as priced by the rules of a snapshot.

    Without a `quote` it costs its goods and nothing else, or, where it `needs_quote`, its lines cannot be ordered: reserving them raises
    the reason. `needs_method`: its buyer has to choose a shipping method.
    """

    snapshot: Snapshot
    needs_quote: bool = False
    needs_method: bool = False
    items: tuple[PricedItem, ...] = ()
    quote: Quote | None = None


class Quotes:
    """Prices orders; `require_method`: buyers have to choose a shipping method where goods are shipped and the shop has one."""

    def __init__(self, rules: RulesCache, prices: Prices, *, require_method: bool, clock: Clock) -> None:
        self._rules = rules
        self._prices = prices
        self._require_method = require_method
        self.clock = clock

    async def start(self, caller: Principal, request: QuoteRequest) -> Priced:
        """Says whether the order has to be priced at all; nothing is read but the cached rules."""
        return self._start(caller, request, await self._rules.current())

    async def restart(self, caller: Principal, request: QuoteRequest, outdated: Priced) -> Priced | None:
        """The same by the rules as they are now; None if they are those of `outdated`."""
        snapshot = await self._rules.newest()
        if snapshot.revision <= outdated.snapshot.revision:
            return None
        return self._start(caller, request, snapshot)

    async def quote(self, request: QuoteRequest, priced: Priced) -> Priced:
        """Prices the order at the catalog's current prices; raises what prevents it."""
        if not priced.needs_quote:
            return priced
        result = await self._prices.price_lines(request)
        if result is None:
            return replace(priced, quote=None)
        currency, items = result
        return self._quoted(request, priced, tuple(items), currency)

    async def settle(self, request: QuoteRequest, priced: Priced, lines: Sequence[Line]) -> Priced:
        """Prices the order at its reserved prices, which may be older or newer than those that it was quoted at."""
        if not priced.needs_quote:
            # The catalog judged the total only if this request made the reservation.
            for rejection in rejections_of_goods(request, lines):
                raise rejection
            return priced
        if priced.quote is None:
            priced = await self.quote(request, priced)
        if priced.quote is None:
            raise RulesChanged()
        reserved = [line.unit_price.minor for line in lines]
        if reserved == [item.unit_price for item in priced.items]:
            return priced
        items = tuple(
            replace(item, unit_price=minor) for item, minor in zip(priced.items, reserved, strict=True)
        )
        return self._quoted(request, priced, items, priced.quote.currency)

    async def renew(self, caller: Principal, request: QuoteRequest, outdated: Priced) -> Priced:
        """Prices the order by newer rules, at the catalog's current prices."""
        snapshot = await self._rules.after(outdated.snapshot.revision)
        return await self.quote(request, self._start(caller, request, snapshot))

    def _start(self, caller: Principal, request: QuoteRequest, snapshot: Snapshot) -> Priced:
        rules = snapshot.rules
        named = request.shipping_method_id is not None
        needs_method = rules.has_methods and (
            request.is_checkout or (self._require_method and not caller.is_admin)
        )
        return Priced(snapshot, needs_quote=rules.change_prices or named, needs_method=needs_method)

    def _quoted(
        self, request: QuoteRequest, priced: Priced, items: tuple[PricedItem, ...], currency: str
    ) -> Priced:
        rules = priced.snapshot.rules
        quote = price(
            items,
            rules,
            destination_of(rules, request.shipping_address, request.billing_address),
            request.shipping_method_id,
            currency=currency,
            now=self.clock(),
        )
        for rejection in rejections(request, quote, needs_method=priced.needs_method):
            raise rejection
        return replace(priced, items=items, quote=quote)


def destination_of(rules: Rules, shipping: Address | None, billing: Address | None) -> Destination:
    """Where an order goes: to the shipping address, else to the billing address, else to the shop's own country."""
    address = shipping or billing
    if address is None:
        return Destination(rules.terms.home_country)
    return Destination.of(address.country_code, address.region, address.postal_code)
