"""Declaring tax rules. Orders that are placed keep theirs; orders that are being placed are priced again (`rules`)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kit.auth import Principal
from kit.db import Database, retry_on_contention
from kit.events import AdminActed
from kit.values import TAXES
from order.pricing.rules import TaxRate, Treatment
from order.rules.domain import check_version
from order.taxes.domain import CountryTaxes, require_no_overlap
from order.taxes.ports import TaxStore


class Taxes:
    """The use cases of tax rules."""

    def __init__(self, db: Database, store: TaxStore) -> None:
        self._db = db
        self._store = store

    async def get(self, country: str) -> CountryTaxes:
        """The rules of a country."""
        return await self._store.get(country)

    async def set_rates(
        self,
        caller: Principal,
        country: str,
        rates: Sequence[TaxRate],
        *,
        expected_version: int | None,
        address: str = "",
    ) -> CountryTaxes:
        """Declares all rates of a country; raises TaxOverlap, TaxRateLimit, RulesConflict."""
        require_no_overlap(rates)
        acted = _acted(caller, "order.set_tax_rates", country, address)
        return await self._change(
            country, lambda taxes: replace(taxes, rates=tuple(rates)), expected_version, acted
        )

    async def set_treatment(
        self,
        caller: Principal,
        country: str,
        treatment: Treatment | None,
        *,
        expected_version: int | None,
        address: str = "",
    ) -> CountryTaxes:
        """Sets how prices and tax relate in a country; raises RulesConflict."""
        acted = _acted(caller, "order.set_tax_treatment", country, address)
        return await self._change(
            country, lambda taxes: replace(taxes, treatment=treatment), expected_version, acted
        )

    @retry_on_contention
    async def _change(
        self,
        country: str,
        change: Callable[[CountryTaxes], CountryTaxes],
        expected_version: int | None,
        acted: AdminActed,
    ) -> CountryTaxes:
        async with self._db.transaction() as tx:
            current = await self._store.lock(tx, country)
            check_version(expected_version, current.version)
            changed = replace(change(current), version=current.version + 1)
            await self._store.save(tx, changed)
            await tx.emit(acted)
        return changed


def _acted(caller: Principal, action: str, country: str, address: str) -> AdminActed:
    """The subject is an id that follows from the country, which the detail names."""
    return AdminActed.by(caller, action, TAXES.format(TAXES.derive(country)), address, detail=country)
