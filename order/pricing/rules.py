"""The rules that prices follow: the shop's terms, tax rates and shipping zones. Plain data; tables and their checks are elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from uuid import UUID

from order.pricing.places import Destination, Place
from order.pricing.rounding import Rounding

STANDARD = "standard"
PROPORTIONAL = "PROPORTIONAL"


class Level(StrEnum):
    """Where tax is rounded: once a line, or once for each combination of rates over the order, and then allocated to its lines."""

    LINE = "LINE"
    RATE = "RATE"


class Treatment(StrEnum):
    """How prices and tax relate in a country.

    INCLUDED: the price contains the tax. ADDED: the tax is charged on top. REPLACED: the tax of the shop's own country is taken out of the
    price, then the tax is charged on top.
    """

    INCLUDED = "INCLUDED"
    ADDED = "ADDED"
    REPLACED = "REPLACED"


class Combine(StrEnum):
    """What a tax rate does to the rates of the more general places: is charged beside them, or replaces them."""

    ADD = "ADD"
    REPLACE = "REPLACE"


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the whole shop and is set once. `home_country` is the shop's own, or empty."""

    prices_include_tax: bool = False
    rounding: Rounding = Rounding.HALF_UP
    level: Level = Level.LINE
    home_country: str = ""


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate in millionths for one class of goods in one place, from `valid_from` (inclusive) to `valid_until` (exclusive).

    `reason` says why a rate is what it is, such as `exempt` for 0; empty for the usual.
    """

    place: Place
    name: str
    ppm: int
    tax_class: str = STANDARD
    combine: Combine = Combine.ADD
    reason: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether the rate applies at this time."""
        started = self.valid_from is None or self.valid_from <= now
        return started and (self.valid_until is None or now < self.valid_until)


class Measure(StrEnum):
    """What a band is measured in: minor units of the goods' subtotal, or grams."""

    SUBTOTAL = "SUBTOTAL"
    WEIGHT = "WEIGHT"


class Basis(StrEnum):
    """Which subtotal a band is about."""

    AFTER_DISCOUNTS = "AFTER_DISCOUNTS"
    BEFORE_DISCOUNTS = "BEFORE_DISCOUNTS"


class MethodKind(StrEnum):
    """Whether the goods come to the buyer, who then needs an address, or the buyer fetches them."""

    DELIVERY = "DELIVERY"
    PICKUP = "PICKUP"


@dataclass(frozen=True, slots=True)
class Band:
    """The price in minor units from `start` (inclusive) to `end` (exclusive; None: no end) of what is measured."""

    currency: str
    price: int
    start: int = 0
    end: int | None = None
    measure: Measure = Measure.SUBTOTAL
    basis: Basis = Basis.AFTER_DISCOUNTS

    def contains(self, measured: int) -> bool:
        """Whether the band is the one for a measured value."""
        return self.start <= measured and (self.end is None or measured < self.end)


@dataclass(frozen=True, slots=True)
class Method:
    """A way to send an order. `tax_class` is a class of tax rates, or PROPORTIONAL: taxed as the goods are, in their proportion."""

    id: UUID
    name: str
    bands: tuple[Band, ...]
    tax_class: str = STANDARD
    kind: MethodKind = MethodKind.DELIVERY
    min_days: int | None = None
    max_days: int | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """The places that are delivered to by the same methods."""

    id: UUID
    name: str
    places: tuple[Place, ...]
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a moment, indexed by place; `Rules.of` builds them."""

    terms: Terms = Terms()
    tax_rates: Mapping[Place, tuple[TaxRate, ...]] = field(default_factory=dict)
    treatments: Mapping[str, Treatment] = field(default_factory=dict)
    zones: Mapping[Place, Zone] = field(default_factory=dict)
    method_ids: frozenset[UUID] = frozenset()
    _tax_regions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _zone_regions: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        terms: Terms,
        tax_rates: Iterable[TaxRate] = (),
        treatments: Mapping[str, Treatment] | None = None,
        zones: Iterable[Zone] = (),
    ) -> "Rules":
        """Rules of rows. Rates of one place keep their order."""
        rates = sorted(tax_rates, key=lambda rate: rate.place)
        rates_of = {place: tuple(same) for place, same in groupby(rates, key=lambda rate: rate.place)}
        zones = list(zones)
        zone_of = {place: zone for zone in zones for place in zone.places}
        methods = frozenset(method.id for zone in zones for method in zone.methods if zone.places)
        return cls(terms, rates_of, treatments or {}, zone_of, methods, _regions(rates_of), _regions(zone_of))

    @property
    def has_methods(self) -> bool:
        """Whether the shop has a shipping method somewhere, so that orders of goods need one."""
        return bool(self.method_ids)

    @property
    def change_prices(self) -> bool:
        """Whether any rule exists; without one an order costs what its goods cost, wherever it goes."""
        return bool(self.tax_rates or self.treatments or self.has_methods)

    def treatment(self, country: str) -> Treatment:
        """How prices and tax relate in a country; without a rule of its own, as the shop's prices are."""
        usual = Treatment.INCLUDED if self.terms.prices_include_tax else Treatment.ADDED
        return self.treatments.get(country, usual)

    def knows_region(self, destination: Destination, *, needs_shipping: bool) -> bool:
        """Whether the region of a destination is good enough for its country's tax rates, and for its zones if goods are shipped.

        Where they are about regions, a destination has to name one. It may name another than theirs if the country has a rate, or a zone,
        for all of it too: a region that no rule is about may be misspelled.
        """
        country = Place(destination.country)
        return _knows(self._tax_regions, destination, country in self.tax_rates) and (
            not needs_shipping or _knows(self._zone_regions, destination, country in self.zones)
        )


def _regions(places: Iterable[Place]) -> dict[str, frozenset[str]]:
    """The regions that the places of each country name."""
    regions: dict[str, frozenset[str]] = {}
    for place in places:
        if place.region:
            regions[place.country] = regions.get(place.country, frozenset()) | {place.region}
    return regions


def _knows(regions: Mapping[str, frozenset[str]], destination: Destination, whole_country: bool) -> bool:
    named = regions.get(destination.country)
    return not named or destination.region in named or (destination.region != "" and whole_country)
