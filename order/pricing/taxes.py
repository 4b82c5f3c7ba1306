"""Tax: which rates apply at a destination, and what they come to.

Amounts that change the total (tax on top, or taken out) are rounded to `step`, so that the payment provider can charge the total; tax
within a price only divides it and is rounded to the minor unit.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from order.pricing.allocation import allocate
from order.pricing.places import Destination
from order.pricing.rules import STANDARD, Combine, Level, Rules, TaxRate, Terms, Treatment

_MILLION = 1_000_000
Rates = tuple[TaxRate, ...]


@dataclass(frozen=True, slots=True)
class AppliedTax:
    """What one rate comes to for a line or for shipping; `taxable` contains the tax where prices do."""

    rate: TaxRate
    taxable: int
    amount: int


@dataclass(frozen=True, slots=True)
class Part:
    """An amount in the terms of the prices, the rates of its destination, and those of the shop's own country."""

    amount: int
    rates: Rates
    home: Rates


@dataclass(frozen=True, slots=True)
class TaxedPart:
    """A part with its tax. `taxable` is the part's amount, without the own country's tax where that was taken out."""

    taxable: int
    tax: int
    taxes: tuple[AppliedTax, ...]


def rates_at(rules: Rules, destination: Destination, tax_class: str, now: datetime) -> Rates:
    """The rates of a class, the most general first; a class without any has those of `standard`."""
    valid = [
        rate
        for place in destination.places()
        for rate in rules.tax_rates.get(place, ())
        if rate.is_valid(now)
    ]
    of_class = [rate for rate in valid if rate.tax_class == tax_class]
    return _combined(of_class or [rate for rate in valid if rate.tax_class == STANDARD])


def tax_parts(parts: Sequence[Part], treatment: Treatment, terms: Terms, step: int) -> list[TaxedPart]:
    """The tax of every part, rounded where the terms say."""
    if terms.level is Level.LINE:
        return [_with_rates(part, *_taxed(part, treatment, terms, step)) for part in parts]
    groups: dict[tuple[Rates, Rates], list[int]] = defaultdict(list)
    for index, part in enumerate(parts):
        groups[part.rates, part.home].append(index)
    taxed: dict[int, TaxedPart] = {}
    for (rates, home), indexes in groups.items():
        amounts = [parts[index].amount for index in indexes]
        taxable, tax = _taxed(Part(sum(amounts), rates, home), treatment, terms, step)
        shares = zip(indexes, allocate(taxable, amounts), allocate(tax, amounts), strict=True)
        taxed |= {index: _with_rates(parts[index], *share) for index, *share in shares}
    return [taxed[index] for index in range(len(parts))]


def _combined(rates: Sequence[TaxRate]) -> Rates:
    """REPLACE drops the rates of more general places; rates of one place stand beside each other."""
    replacing = [rate.place.specificity for rate in rates if rate.combine is Combine.REPLACE]
    return tuple(rate for rate in rates if not replacing or rate.place.specificity >= max(replacing))


def _taxed(part: Part, treatment: Treatment, terms: Terms, step: int) -> tuple[int, int]:
    """The taxable amount and the tax on it."""
    round_ratio: Callable[..., int] = terms.rounding.ratio
    ppm = sum(rate.ppm for rate in part.rates)
    if treatment is Treatment.INCLUDED:
        return part.amount, round_ratio(part.amount * ppm, _MILLION + ppm)
    taxable = part.amount
    if treatment is Treatment.REPLACED:
        home = sum(rate.ppm for rate in part.home)
        removed = round_ratio(part.amount * home, _MILLION + home, step)
        # Rounding up to a step may exceed an amount that is smaller than one.
        taxable -= removed if removed <= part.amount else removed - step
    return taxable, round_ratio(taxable * ppm, _MILLION, step)


def _with_rates(part: Part, taxable: int, tax: int) -> TaxedPart:
    """Allocates the tax to its rates."""
    amounts = allocate(tax, [rate.ppm for rate in part.rates])
    pairs = zip(part.rates, amounts, strict=True)
    return TaxedPart(taxable, tax, tuple(AppliedTax(rate, taxable, amount) for rate, amount in pairs))
