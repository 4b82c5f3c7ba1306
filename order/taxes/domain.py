"""The tax rules of a country."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from kit.errors import Violation, describe
from order.pricing.rules import TaxRate, Treatment
from order.taxes.errors import TaxOverlap

MAX_RATES = 20_000
_START = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CountryTaxes:
    """All tax rules of a country; `treatment` is None where prices and tax relate as in the whole shop. Version 0: no rules yet."""

    country: str
    treatment: Treatment | None = None
    rates: tuple[TaxRate, ...] = ()
    version: int = 0


def require_no_overlap(rates: Sequence[TaxRate]) -> None:
    """Raises TaxOverlap for rates of one place, class and name that apply at one time."""
    faults = []
    positions: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for position, rate in enumerate(rates):
        positions[rate.place, rate.tax_class, rate.name].append(position)
    for same in positions.values():
        ordered = sorted(same, key=lambda position: rates[position].valid_from or _START)
        for earlier, later in pairwise(ordered):
            if (rates[later].valid_from or _START) < (rates[earlier].valid_until or _END):
                first, second = sorted((earlier, later))
                rule = f"must not apply at the same time as rates.{first}, which has the same place, class and name"
                faults.append(Violation(("rates", second), rule))
    if faults:
        raise TaxOverlap(describe(faults), fields=faults)
