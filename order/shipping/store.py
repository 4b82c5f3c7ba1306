"""Reads and writes shipping zones. The constraints shipping_rates_overlap and zone_places_once decide about writes that meet."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from kit.db import Database, ExclusionViolation, Transaction, UniqueViolation, transpose
from kit.errors import Violation
from kit.values import Page
from order.pricing.places import Place
from order.pricing.rules import Zone
from order.rules.rows import read_zones
from order.rules.store import raise_revision
from order.shipping.domain import MAX_ZONES, StoredZone, count_on_page
from order.shipping.errors import PlaceTaken, RateOverlap, ShippingZoneLimit

_VERSION = "SELECT version FROM shipping_zones WHERE id = $1"
_COUNT = "SELECT count(*) FROM shipping_zones"
# OFFSET: counts the rates of each method by the index instead of reading all of the shop's.
_PAGE = """
WITH page AS MATERIALIZED (
    SELECT id, name, version FROM shipping_zones
    WHERE $1::text IS NULL OR (name, id) > ($1, $2::uuid) ORDER BY name, id LIMIT $3
)
SELECT id, version, (SELECT count(*) FROM zone_places WHERE zone_id = page.id) + (
    SELECT count(*)
    FROM shipping_methods m LEFT JOIN LATERAL (SELECT FROM shipping_rates WHERE method_id = m.id OFFSET 0) r ON true
    WHERE m.zone_id = page.id
) AS parts
FROM page ORDER BY name, id
"""
_SAVE = """
INSERT INTO shipping_zones (id, name, version) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version
"""
_CLEAR = """
WITH places AS (DELETE FROM zone_places WHERE zone_id = $1)
DELETE FROM shipping_methods WHERE zone_id = $1
"""
_TAKEN = """
SELECT p.country, p.region, p.postal_prefix
FROM zone_places p JOIN unnest($1::text[], $2::text[], $3::text[]) AS n(country, region, postal_prefix)
    USING (country, region, postal_prefix)
"""
_PLACES = """
INSERT INTO zone_places (zone_id, position, country, region, postal_prefix)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[])
"""
_METHODS = """
INSERT INTO shipping_methods (id, zone_id, position, name, kind, tax_class, min_days, max_days)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[])
"""
_BANDS = """
INSERT INTO shipping_rates (method_id, position, currency, measure, basis, band_start, band_end, price)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
"""


class PostgresZoneStore:
    """`ports.ZoneStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, after: tuple[str, UUID] | None, limit: int) -> Page[StoredZone]:
        """Versions are read first: a change in between shows the older version with the newer zone."""
        rows = await self._db.fetch(_PAGE, *(after or (None, None)), limit + 1)
        size = min(limit, count_on_page([row["parts"] for row in rows]))
        versions = {row["id"]: row["version"] for row in rows[:size]}
        zones = await read_zones(self._db, list(versions))
        return Page([StoredZone(zone, versions[zone.id]) for zone in zones], len(rows) > size, None)

    async def count(self) -> int:
        """There are at most MAX_ZONES."""
        count: int = await self._db.fetchval(_COUNT)
        return count

    async def lock(self, tx: Transaction, zone_id: UUID) -> StoredZone | None:
        """Raising the revision locks all rules."""
        await raise_revision(tx)
        version = await tx.fetchval(_VERSION, zone_id)
        return StoredZone((await read_zones(tx, [zone_id]))[0], version) if version else None

    async def save(self, tx: Transaction, stored: StoredZone) -> None:
        """A few statements, whatever the number of places and bands."""
        zone = stored.zone
        await tx.execute(_SAVE, zone.id, zone.name, stored.version)
        await tx.execute(_CLEAR, zone.id)
        await self._require_free(tx, zone)
        try:
            await tx.execute(_PLACES, *transpose(_places(zone), 5))
            await tx.execute(_METHODS, *transpose(_methods(zone), 8))
            await tx.execute(_BANDS, *transpose(_bands(zone), 8))
        except UniqueViolation as error:
            raise PlaceTaken("a place or a method belongs to another zone") from error
        except ExclusionViolation as error:
            raise RateOverlap("two bands of one method and currency overlap") from error
        if await tx.fetchval(_COUNT) > MAX_ZONES:
            raise ShippingZoneLimit()

    async def delete(self, tx: Transaction, zone_id: UUID) -> None:
        """The database deletes places and methods with it."""
        await tx.execute("DELETE FROM shipping_zones WHERE id = $1", zone_id)

    async def _require_free(self, tx: Transaction, zone: Zone) -> None:
        taken = {Place(*row) for row in await tx.fetch(_TAKEN, *transpose(zone.places, 3))}
        rule = "belongs to another shipping zone"
        faults = [
            Violation(("places", index), rule) for index, place in enumerate(zone.places) if place in taken
        ]
        if faults:
            raise PlaceTaken(f"places.{faults[0].path[1]}: {rule}", fields=faults)


def _places(zone: Zone) -> Iterator[tuple[Any, ...]]:
    for position, place in enumerate(zone.places):
        yield zone.id, position, place.country, place.region, place.postal_prefix


def _methods(zone: Zone) -> Iterator[tuple[Any, ...]]:
    for position, method in enumerate(zone.methods):
        yield (
            method.id,
            zone.id,
            position,
            method.name,
            method.kind,
            method.tax_class,
            method.min_days,
            method.max_days,
        )


def _bands(zone: Zone) -> Iterator[tuple[Any, ...]]:
    for method in zone.methods:
        for position, band in enumerate(method.bands):
            yield (
                method.id,
                position,
                band.currency,
                band.measure,
                band.basis,
                band.start,
                band.end,
                band.price,
            )
