"""Shipping zones as an ADMIN declares them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from kit.errors import Violation
from order.pricing.rules import Band, Method, Zone
from order.shipping.errors import RateOverlap

MAX_ZONES = 100
# Places and bands, more than one zone has. Each takes less than 700 bytes of a message, which has at most 4 MiB.
MAX_PAGE_PARTS = 5000
MAX_PLACES = 1000
MAX_METHODS = 20
MAX_BANDS = 50


@dataclass(frozen=True, slots=True)
class StoredZone:
    """A zone with its version; a zone that is not stored has version 0."""

    zone: Zone
    version: int = 0


def count_on_page(parts: Sequence[int]) -> int:
    """The number of zones on a page, one at least; `parts`: how many places and bands each zone has."""
    return max(1, sum(total <= MAX_PAGE_PARTS for total in accumulate(parts)))


def require_no_overlap(zone: Zone) -> None:
    """Raises RateOverlap for bands of one method and currency that overlap, or are measured differently."""
    for number, method in enumerate(zone.methods):
        by_currency: dict[str, list[int]] = defaultdict(list)
        for position, band in enumerate(method.bands):
            by_currency[band.currency].append(position)
        for positions in by_currency.values():
            _require_alike(method, number, positions)
            _require_disjoint(method, number, positions)


def _require_alike(method: Method, number: int, positions: list[int]) -> None:
    first = method.bands[positions[0]]
    for position in positions[1:]:
        band = method.bands[position]
        if (band.measure, band.basis) != (first.measure, first.basis):
            raise _overlap(number, position, "must be measured as the method's other rates in this currency")


def _require_disjoint(method: Method, number: int, positions: list[int]) -> None:
    def start(position: int) -> int:
        return method.bands[position].start

    for lower, upper in pairwise(sorted(positions, key=start)):
        if not _ends_before(method.bands[lower], method.bands[upper]):
            first, second = sorted((lower, upper))
            raise _overlap(number, second, f"must not overlap with methods.{number}.rates.{first}")


def _ends_before(lower: Band, upper: Band) -> bool:
    return lower.end is not None and lower.end <= upper.start


def _overlap(method: int, band: int, rule: str) -> RateOverlap:
    return RateOverlap(
        f"methods.{method}.rates.{band}: {rule}", fields=[Violation(("methods", method, "rates", band), rule)]
    )
