"""What lines and shipping cost with their tax."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from order.pricing.allocation import allocate
from order.pricing.discounts import AppliedDiscount, Reduced
from order.pricing.places import Destination
from order.pricing.rules import PROPORTIONAL, STANDARD, Rules, Treatment
from order.pricing.taxes import AppliedTax, Part, Rates, TaxedPart, rates_at, tax_parts


@dataclass(frozen=True, slots=True)
class PricedItem:
    """A line to price; `unit_price` in minor units, `weight_grams` of one unit."""

    unit_price: int
    quantity: int
    tax_class: str = STANDARD
    weight_grams: int = 0
    requires_shipping: bool = True


@dataclass(frozen=True, slots=True)
class Charge:
    """What a line or shipping costs.

    `base` is the list price. `taxable` is what discounts leave of it; it contains the tax where prices do, and lacks the tax of the
    shop's own country where that is replaced. `total` is what is charged: `taxable`, with the tax added where it is not within it.
    """

    base: int
    discounts: tuple[AppliedDiscount, ...]
    taxable: int
    taxes: tuple[AppliedTax, ...]
    tax: int
    total: int

    @property
    def discount(self) -> int:
        """What discounts took."""
        return sum(applied.amount for applied in self.discounts)


class Taxation:
    """The tax rules of one destination at one time."""

    def __init__(self, rules: Rules, destination: Destination, now: datetime) -> None:
        self._rules = rules
        self._destination = destination
        self._now = now
        self._rates: dict[str, tuple[Rates, Rates]] = {}

    @cached_property
    def treatment(self) -> Treatment:
        """How prices and tax relate at the destination."""
        return self._rules.treatment(self._destination.country)

    def charges(self, reduced: Sequence[Reduced], parts: Sequence[Sequence[Part]], step: int) -> list[Charge]:
        """The charge of every line, or of shipping, from its parts."""
        flat = [part for several in parts for part in several]
        taxed = iter(tax_parts(flat, self.treatment, self._rules.terms, step))
        return [
            self._charge(one, [next(taxed) for _ in several])
            for one, several in zip(reduced, parts, strict=True)
        ]

    def part(self, amount: int, tax_class: str) -> Part:
        """An amount with the rates of its class."""
        return Part(amount, *self._rates_of(tax_class))

    def shipping_parts(self, amount: int, tax_class: str, goods: Sequence[Part]) -> list[Part]:
        """Shipping with the rates of its class, or divided over the rates of the goods in their proportion."""
        if tax_class != PROPORTIONAL:
            return [self.part(amount, tax_class)]
        weights: dict[tuple[Rates, Rates], int] = {}
        for part in goods:
            key = part.rates, part.home
            weights[key] = weights.get(key, 0) + part.amount
        if not sum(weights.values()):
            return [self.part(amount, STANDARD)]
        shares = allocate(amount, list(weights.values()))
        return [Part(share, *rates) for rates, share in zip(weights, shares, strict=True) if share]

    def _rates_of(self, tax_class: str) -> tuple[Rates, Rates]:
        if tax_class not in self._rates:
            at_home = Destination(self._rules.terms.home_country)
            replaced = self.treatment is Treatment.REPLACED
            home = rates_at(self._rules, at_home, tax_class, self._now) if replaced else ()
            self._rates[tax_class] = rates_at(self._rules, self._destination, tax_class, self._now), home
        return self._rates[tax_class]

    def _charge(self, reduced: Reduced, parts: Sequence[TaxedPart]) -> Charge:
        taxable = sum(part.taxable for part in parts)
        tax = sum(part.tax for part in parts)
        taxes = tuple(tax for part in parts for tax in part.taxes)
        added = 0 if self.treatment is Treatment.INCLUDED else tax
        return Charge(reduced.base, reduced.discounts, taxable, taxes, tax, taxable + added)
