"""Reads all rules of prices, and raises their revision."""

from kit.db import Database, Transaction
from kit.errors import Internal
from order.pricing.rules import Rules, Terms, Treatment
from order.rules.domain import Snapshot
from order.rules.rows import SELECT_STATE, read_rates, read_zones, terms_from_row

_SET_TERMS = """
UPDATE pricing_state SET prices_include_tax = $1, tax_rounding = $2, tax_level = $3, home_country = $4,
    revision = revision + CASE WHEN $5 THEN 1 ELSE 0 END
WHERE $5 OR tax_level IS NULL
"""
_RAISE = "UPDATE pricing_state SET revision = revision + 1"
_TREATMENTS = "SELECT country, treatment FROM tax_countries WHERE treatment IS NOT NULL"


class PostgresRulesStore:
    """`ports.RulesStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def claim_terms(self, terms: Terms) -> None:
        """Of several first processes, one writes."""
        await self._set_terms(terms, replace=False)

    async def replace_terms(self, terms: Terms) -> None:
        """Raises the revision, so that processes with other settings notice."""
        await self._set_terms(terms, replace=True)

    async def revision(self) -> int:
        """The current revision."""
        revision: int = await self._db.fetchval("SELECT revision FROM pricing_state")
        return revision

    async def load(self) -> Snapshot:
        """Reads the revision first: rules that are written while the others are read leave it too low, and nothing is placed with it."""
        state = await self._db.fetchrow(SELECT_STATE)
        terms = terms_from_row(state) if state else None
        if state is None or terms is None:
            raise Internal("the shop has no settings of prices")
        rates = await read_rates(self._db)
        rows = await self._db.fetch(_TREATMENTS)
        treatments = {row["country"]: Treatment(row["treatment"]) for row in rows}
        return Snapshot(state["revision"], Rules.of(terms, rates, treatments, await read_zones(self._db)))

    async def _set_terms(self, terms: Terms, *, replace: bool) -> None:
        values = (terms.prices_include_tax, terms.rounding, terms.level, terms.home_country)
        await self._db.execute(_SET_TERMS, *values, replace)


async def raise_revision(tx: Transaction) -> None:
    """For every write to rules, as the first statement of its transaction: it serializes the writes."""
    await tx.execute(_RAISE)
