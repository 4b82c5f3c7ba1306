"""What the use cases of tax rules need."""

from typing import Protocol

from kit.db import Transaction
from order.taxes.domain import CountryTaxes


class TaxStore(Protocol):
    """Tax rules by country."""

    async def get(self, country: str) -> CountryTaxes:
        """The rules of a country; version 0 without any."""

    async def lock(self, tx: Transaction, country: str) -> CountryTaxes:
        """The rules of a country, while no other transaction can change any rules."""

    async def save(self, tx: Transaction, taxes: CountryTaxes) -> None:
        """Replaces the rules of a country. Raises TaxOverlap, TaxRateLimit."""
