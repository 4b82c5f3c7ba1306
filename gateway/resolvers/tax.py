"""Tax rules of countries."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.types.tax import CountryTaxes, TaxRateInput, TaxTreatment
from kit.graphql import CountryCode

Country = Annotated[CountryCode, argument("The country.")]
ExpectedVersion = Annotated[
    int | None, argument("The version that the client has read; another fails with VERSION_CONFLICT.")
]


@strawberry.type
class TaxQueries:
    """Tax rules."""

    @strawberry.field(description="ADMIN. The tax rules of a country; version 0 without any.")
    async def tax_rates(self, info: Info, country_code: Country) -> CountryTaxes | None:
        """ListTaxRates."""
        return await info.context.peers.tax.list(country_code)


@strawberry.type
class TaxMutations:
    """Changes of tax rules. Orders keep the taxes that they were placed with."""

    @strawberry.mutation(
        description="ADMIN. Declares all tax rates of a country; those that are left out are deleted. Rates of one place, class and name "
        "that apply at one time fail with BAD_USER_INPUT (reason TAX_OVERLAP). Orders keep the taxes that they were placed with."
    )
    async def set_tax_rates(
        self,
        info: Info,
        country_code: Country,
        rates: Annotated[
            list[TaxRateInput], argument("All rates, at most 2,048; at most 20,000 in all countries.")
        ],
        expected_version: ExpectedVersion = None,
    ) -> CountryTaxes | None:
        """SetTaxRates."""
        return await info.context.peers.tax.set_rates(country_code, rates, expected_version)

    @strawberry.mutation(description="ADMIN. Sets how prices and tax relate in a country.")
    async def set_tax_treatment(
        self,
        info: Info,
        country_code: Country,
        treatment: Annotated[TaxTreatment | None, argument("Null: as in the whole shop.")],
        expected_version: ExpectedVersion = None,
    ) -> CountryTaxes | None:
        """SetTaxTreatment."""
        return await info.context.peers.tax.set_treatment(country_code, treatment, expected_version)
