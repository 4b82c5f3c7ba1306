"""Shipping zones as an ADMIN declares them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from kit.errors import Violation, describe
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
    faults: list[Violation] = []
    for number, method in enumerate(zone.methods):
        by_currency: dict[str, list[int]] = defaultdict(list)
        for position, band in enumerate(method.bands):
            by_currency[band.currency].append(position)
        for positions in by_currency.values():
            unlike = _unlike_first(method, positions)
            rule = "must be measured as the method's other rates in this currency"
            faults += [Violation(_path(number, position), rule) for position in unlike]
            alike = [position for position in positions if position not in unlike]
            faults += [
                Violation(_path(number, second), f"must not overlap with methods.{number}.rates.{first}")
                for first, second in _overlaps(method, alike)
            ]
    if faults:
        raise RateOverlap(describe(faults), fields=faults)


def _unlike_first(method: Method, positions: Sequence[int]) -> list[int]:
    first = method.bands[positions[0]]
    return [
        position
        for position in positions[1:]
        if (method.bands[position].measure, method.bands[position].basis) != (first.measure, first.basis)
    ]


def _overlaps(method: Method, positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Positions of neighbours that overlap, the smaller first."""
    ordered = sorted(positions, key=lambda position: method.bands[position].start)
    for lower, upper in pairwise(ordered):
        if not _ends_before(method.bands[lower], method.bands[upper]):
            yield min(lower, upper), max(lower, upper)


def _ends_before(lower: Band, upper: Band) -> bool:
    return lower.end is not None and lower.end <= upper.start


def _path(method: int, band: int) -> tuple[str | int, ...]:
    return "methods", method, "rates", band
