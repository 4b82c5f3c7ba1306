"""Reads and writes the tax rules of countries. The constraint tax_rates_overlap repeats the domain's rule for writes from elsewhere."""

from kit.db import Database, ExclusionViolation, Statements, Transaction, transpose
from kit.values import TAXES
from order.pricing.rules import Treatment
from order.rules.rows import read_rates
from order.rules.store import raise_revision
from order.taxes.domain import MAX_RATES, CountryTaxes
from order.taxes.errors import TaxOverlap, TaxRateLimit

_COUNTRY = "SELECT treatment, version FROM tax_countries WHERE country = $1"
_SAVE_COUNTRY = """
INSERT INTO tax_countries (country, treatment, version) VALUES ($1, $2, $3)
ON CONFLICT (country) DO UPDATE SET treatment = excluded.treatment, version = excluded.version
"""
_DELETE = "DELETE FROM tax_rates WHERE country = $1"
_INSERT = """
INSERT INTO tax_rates (id, country, position, region, postal_prefix, class, name, ppm, combine, reason, valid_from, valid_until)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[], $10::text[],
    $11::timestamptz[], $12::timestamptz[]
)
"""


class PostgresTaxStore:
    """`ports.TaxStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, country: str) -> CountryTaxes:
        """Two statements; a change in between shows the older version with the newer rates."""
        return await _read(self._db, country)

    async def lock(self, tx: Transaction, country: str) -> CountryTaxes:
        """Raising the revision locks all rules."""
        await raise_revision(tx)
        return await _read(tx, country)

    async def save(self, tx: Transaction, taxes: CountryTaxes) -> None:
        """Four statements, whatever the number of rates."""
        rows = (
            (
                TAXES.new(),
                taxes.country,
                position,
                rate.place.region,
                rate.place.postal_prefix,
                rate.tax_class,
                rate.name,
                rate.ppm,
                rate.combine,
                rate.reason,
                rate.valid_from,
                rate.valid_until,
            )
            for position, rate in enumerate(taxes.rates)
        )
        await tx.execute(_SAVE_COUNTRY, taxes.country, taxes.treatment, taxes.version)
        await tx.execute(_DELETE, taxes.country)
        try:
            await tx.execute(_INSERT, *transpose(rows, 12))
        except ExclusionViolation as error:
            raise TaxOverlap("two rates of one place, class and name apply at one time") from error
        if await tx.fetchval("SELECT count(*) FROM tax_rates") > MAX_RATES:
            raise TaxRateLimit()


async def _read(db: Statements, country: str) -> CountryTaxes:
    row = await db.fetchrow(_COUNTRY, country)
    if row is None:
        return CountryTaxes(country)
    treatment = Treatment(row["treatment"]) if row["treatment"] else None
    return CountryTaxes(country, treatment, tuple(await read_rates(db, country)), row["version"])
