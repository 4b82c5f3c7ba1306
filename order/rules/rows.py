"""Rows of rules -> the types of pricing. Rows are read in order of their positions."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from kit.db import Record, Statements
from order.pricing.places import Place
from order.pricing.rounding import Rounding
from order.pricing.rules import (
    Band,
    Basis,
    Combine,
    Level,
    Measure,
    Method,
    MethodKind,
    TaxRate,
    Terms,
    Zone,
)

_TERMS = "revision, prices_include_tax, tax_rounding, tax_level, home_country"
SELECT_STATE = f"SELECT {_TERMS} FROM pricing_state"  # noqa: S608 - of constants
_RATES = "SELECT * FROM tax_rates WHERE $1::text IS NULL OR country = $1 ORDER BY country, position"
_ZONES = "SELECT id, name FROM shipping_zones WHERE $1::uuid[] IS NULL OR id = ANY ($1) ORDER BY name, id"
_PLACES = (
    "SELECT * FROM zone_places WHERE $1::uuid[] IS NULL OR zone_id = ANY ($1) ORDER BY zone_id, position"
)
_METHODS = (
    "SELECT * FROM shipping_methods WHERE $1::uuid[] IS NULL OR zone_id = ANY ($1) ORDER BY zone_id, position"
)
_BANDS = """
SELECT r.* FROM shipping_rates r JOIN shipping_methods m ON m.id = r.method_id
WHERE $1::uuid[] IS NULL OR m.zone_id = ANY ($1) ORDER BY r.method_id, r.position
"""


def terms_from_row(row: Record) -> Terms | None:
    """The shop's settings; None before its first process wrote them."""
    if row["tax_level"] is None:
        return None
    return Terms(
        prices_include_tax=row["prices_include_tax"],
        rounding=Rounding(row["tax_rounding"]),
        level=Level(row["tax_level"]),
        home_country=row["home_country"],
    )


async def read_rates(db: Statements, country: str | None = None) -> list[TaxRate]:
    """The tax rates of a country, or of all."""
    return [_rate(row) for row in await db.fetch(_RATES, country)]


async def read_zones(db: Statements, zone_ids: Sequence[UUID] | None = None) -> list[Zone]:
    """Zones with their places and methods, or all of them, by name: four statements, whatever their number."""
    zones = await db.fetch(_ZONES, zone_ids)
    places, methods, bands = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in await db.fetch(_PLACES, zone_ids):
        places[row["zone_id"]].append(Place(row["country"], row["region"], row["postal_prefix"]))
    for row in await db.fetch(_BANDS, zone_ids):
        bands[row["method_id"]].append(_band(row))
    for row in await db.fetch(_METHODS, zone_ids):
        methods[row["zone_id"]].append(_method(row, bands[row["id"]]))
    return [
        Zone(row["id"], row["name"], tuple(places[row["id"]]), tuple(methods[row["id"]])) for row in zones
    ]


def _rate(row: Record) -> TaxRate:
    return TaxRate(
        place=Place(row["country"], row["region"], row["postal_prefix"]),
        name=row["name"],
        ppm=row["ppm"],
        tax_class=row["class"],
        combine=Combine(row["combine"]),
        reason=row["reason"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
    )


def _method(row: Record, bands: Sequence[Band]) -> Method:
    return Method(
        id=row["id"],
        name=row["name"],
        bands=tuple(bands),
        tax_class=row["tax_class"],
        kind=MethodKind(row["kind"]),
        min_days=row["min_days"],
        max_days=row["max_days"],
    )


def _band(row: Record) -> Band:
    return Band(
        currency=row["currency"],
        price=row["price"],
        start=row["band_start"],
        end=row["band_end"],
        measure=Measure(row["measure"]),
        basis=Basis(row["basis"]),
    )
