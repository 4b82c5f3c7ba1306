"""Shipping: the zone of a destination, and what each of its methods costs or why it is not offered."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from order.pricing.places import Destination
from order.pricing.rules import Band, Basis, Measure, Method, Rules, Zone


class NotOffered(StrEnum):
    """Why a method is not offered for goods: no rate for the currency or amount, or beyond the first or last band."""

    NO_RATE = "NO_RATE"
    SUBTOTAL_TOO_LOW = "SUBTOTAL_TOO_LOW"
    SUBTOTAL_TOO_HIGH = "SUBTOTAL_TOO_HIGH"
    TOO_LIGHT = "TOO_LIGHT"
    TOO_HEAVY = "TOO_HEAVY"


@dataclass(frozen=True, slots=True)
class Offer:
    """A method of the destination's zone with its price in minor units, or with the reason why it is not offered."""

    method: Method
    price: int | None = None
    reason: NotOffered | None = None


@dataclass(frozen=True, slots=True)
class Goods:
    """What bands measure: the goods' subtotals in minor units, and the grams of those that are shipped."""

    currency: str
    before_discounts: int
    after_discounts: int
    weight_grams: int

    def measured(self, band: Band) -> int:
        """The value that is looked up in a band."""
        if band.measure is Measure.WEIGHT:
            return self.weight_grams
        return self.before_discounts if band.basis is Basis.BEFORE_DISCOUNTS else self.after_discounts


def zone_of(rules: Rules, destination: Destination) -> Zone | None:
    """The zone of the most specific place that the destination is in; others do not count."""
    places = [place for place in destination.places() if place in rules.zones]
    return rules.zones[places[-1]] if places else None


def offers(rules: Rules, destination: Destination, goods: Goods) -> tuple[Offer, ...]:
    """The methods of the destination's zone, in its order."""
    zone = zone_of(rules, destination)
    return tuple(_offer(method, goods) for method in zone.methods) if zone else ()


def _offer(method: Method, goods: Goods) -> Offer:
    bands = [band for band in method.bands if band.currency == goods.currency]
    for band in bands:
        if band.contains(goods.measured(band)):
            return Offer(method, price=band.price)
    return Offer(method, reason=_reason(bands, goods))


def _reason(bands: Sequence[Band], goods: Goods) -> NotOffered:
    by_weight = any(band.measure is Measure.WEIGHT for band in bands)
    if bands and all(goods.measured(band) < band.start for band in bands):
        return NotOffered.TOO_LIGHT if by_weight else NotOffered.SUBTOTAL_TOO_LOW
    if bands and all(band.end is not None and band.end <= goods.measured(band) for band in bands):
        return NotOffered.TOO_HEAVY if by_weight else NotOffered.SUBTOTAL_TOO_HIGH
    return NotOffered.NO_RATE
