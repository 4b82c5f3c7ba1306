"""What an order costs: `price`, which adds up what discounts, shipping and tax come to.

Pure, and in whole minor units of one currency: no clock, no database, no float. Prices are in the shop's terms, with or without tax.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kit.values import CURRENCIES
from order.pricing.charges import Charge, PricedItem, Taxation
from order.pricing.discounts import Discount, Reduced, reduce_lines, reduce_shipping
from order.pricing.places import Destination
from order.pricing.rules import Method, Rules, Treatment
from order.pricing.shipping import Goods, Offer, offers
from order.pricing.taxes import AppliedTax


class Problem(StrEnum):
    """What is wrong with an order for its destination. The quote is complete all the same, as far as it goes.

    ADDRESS_MISSING: goods have to be shipped, and no country is known. REGION_UNKNOWN: rules of the country are about regions, and this
    one is missing or unknown. NOT_DELIVERED_THERE: no method is offered. METHOD_MISSING: none was chosen of those that are.
    METHOD_GONE: the chosen one is not offered, for this destination or these goods.
    """

    ADDRESS_MISSING = "ADDRESS_MISSING"
    REGION_UNKNOWN = "REGION_UNKNOWN"
    NOT_DELIVERED_THERE = "NOT_DELIVERED_THERE"
    METHOD_MISSING = "METHOD_MISSING"
    METHOD_GONE = "METHOD_GONE"


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order costs, in minor units.

    `subtotal` is what the goods cost before discounts; where the own country's tax is replaced, without it. The amounts add up:
    `total` is `subtotal` - the lines' discounts + `shipping.taxable`, with `tax` added unless `tax_included`.
    `method` and `shipping` are those of the chosen method, None without one. `offers` are the destination's methods.
    """

    currency: str
    lines: tuple[Charge, ...]
    method: Method | None
    shipping: Charge | None
    offers: tuple[Offer, ...]
    tax_included: bool
    needs_shipping: bool
    problems: tuple[Problem, ...]

    @property
    def charges(self) -> tuple[Charge, ...]:
        """The lines, and shipping if there is any."""
        return (*self.lines, self.shipping) if self.shipping else self.lines

    @property
    def list_price(self) -> int:
        """What the lines cost in the catalog."""
        return sum(line.base for line in self.lines)

    @property
    def subtotal(self) -> int:
        """What the goods cost before discounts."""
        return sum(line.taxable + line.discount for line in self.lines)

    @property
    def discount(self) -> int:
        """What discounts took, from shipping too."""
        return sum(charge.discount for charge in self.charges)

    @property
    def tax(self) -> int:
        """The tax of lines and shipping."""
        return sum(charge.tax for charge in self.charges)

    @property
    def total(self) -> int:
        """What is charged."""
        return sum(charge.total for charge in self.charges)

    @property
    def taxes(self) -> tuple[AppliedTax, ...]:
        """The taxes of the whole order, one for each rate."""
        every = [tax for charge in self.charges for tax in charge.taxes]
        rates = list(dict.fromkeys(tax.rate for tax in every))
        return tuple(
            AppliedTax(
                rate,
                sum(tax.taxable for tax in every if tax.rate == rate),
                sum(tax.amount for tax in every if tax.rate == rate),
            )
            for rate in rates
        )


def price(
    items: Sequence[PricedItem],
    rules: Rules,
    destination: Destination,
    method_id: UUID | None = None,
    discounts: Sequence[Discount] = (),
    *,
    currency: str,
    now: datetime,
) -> Quote:
    """What the items cost when sent to a destination by a method; of no items, nothing.

    The rules are applied in this order: list price; discounts of lines, rounded once a line; discounts of the order, allocated to lines
    by the largest remainder; shipping, by the band of what the goods cost; discounts of shipping; tax, rounded at the level of the terms.
    Amounts that the total depends on are multiples of the currency's step if prices are.
    """
    rounding, step = rules.terms.rounding, CURRENCIES[currency].step
    lines = [Reduced(item.unit_price * item.quantity, item.unit_price, item.quantity) for item in items]
    reduce_lines(lines, discounts, rounding, step)
    needs_shipping = any(item.requires_shipping for item in items)
    offered = offers(rules, destination, _goods(items, lines, currency)) if needs_shipping else ()
    chosen = next((offer for offer in offered if offer.method.id == method_id), None)
    taxation = Taxation(rules, destination, now)
    parts = [[taxation.part(line.left, item.tax_class)] for line, item in zip(lines, items, strict=True)]
    reduced = list(lines)
    if chosen and chosen.price is not None:
        shipping = Reduced(chosen.price, chosen.price, 1)
        reduce_shipping(shipping, discounts, rounding, step)
        shipped = [part for [part], item in zip(parts, items, strict=True) if item.requires_shipping]
        reduced.append(shipping)
        parts.append(taxation.shipping_parts(shipping.left, chosen.method.tax_class, shipped))
    charges = taxation.charges(reduced, parts, step)
    return Quote(
        currency=currency,
        lines=tuple(charges[: len(items)]),
        method=chosen.method if chosen and len(charges) > len(items) else None,
        shipping=charges[-1] if len(charges) > len(items) else None,
        offers=offered,
        tax_included=taxation.treatment is Treatment.INCLUDED,
        needs_shipping=needs_shipping,
        problems=tuple(_problems(rules, destination, method_id, offered, needs_shipping=needs_shipping)),
    )


def _goods(items: Sequence[PricedItem], lines: Sequence[Reduced], currency: str) -> Goods:
    return Goods(
        currency,
        before_discounts=sum(line.base for line in lines),
        after_discounts=sum(line.left for line in lines),
        weight_grams=sum(item.weight_grams * item.quantity for item in items if item.requires_shipping),
    )


def _problems(
    rules: Rules,
    destination: Destination,
    method_id: UUID | None,
    offered: Sequence[Offer],
    *,
    needs_shipping: bool,
) -> Iterator[Problem]:
    if not rules.knows_region(destination, needs_shipping=needs_shipping):
        yield Problem.REGION_UNKNOWN
    if not needs_shipping:
        return
    possible = [offer.method.id for offer in offered if offer.price is not None]
    if method_id is not None and method_id not in possible:
        yield Problem.METHOD_GONE
    if not rules.has_methods:
        return
    if not destination.country:
        yield Problem.ADDRESS_MISSING
    elif not possible:
        yield Problem.NOT_DELIVERED_THERE
    elif method_id is None:
        yield Problem.METHOD_MISSING
