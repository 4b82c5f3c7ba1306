"""Taxes of orders, and the tax rules of countries."""

from enum import Enum

import strawberry

from kit.graphql import Amount, CountryCode, Instant


@strawberry.type(description="A tax of an order or a cart, with its rate as it was.")
class Tax:
    """A tax of an order or a cart."""

    name: str = strawberry.field(description="The name of the tax.")
    rate: Amount = strawberry.field(description="In percent, such as 8.1.")
    taxable: Amount = strawberry.field(description="What is taxed; contains the tax if taxIncluded.")
    amount: Amount = strawberry.field(description="The tax.")
    country: CountryCode = strawberry.field(description="The country that the tax is of.")
    region: str | None = strawberry.field(description="The region that the tax is of; null: the country.")
    reason: str | None = strawberry.field(
        description="Why the rate is what it is, such as exempt; null for the usual."
    )


@strawberry.enum(description="How prices and tax relate in a country.")
class TaxTreatment(Enum):
    """How prices and tax relate in a country."""

    INCLUDED = strawberry.enum_value("INCLUDED", description="The price contains the tax.")
    ADDED = strawberry.enum_value("ADDED", description="The tax is charged on top of the price.")
    REPLACED = strawberry.enum_value(
        "REPLACED",
        description="The tax of the shop's own country is taken out of the price, then the country's tax is charged on top.",
    )


@strawberry.enum(description="What a tax rate does to the rates of more general places.")
class TaxCombination(Enum):
    """What a tax rate does to the rates of more general places."""

    ADD = strawberry.enum_value("ADD", description="It is charged beside them.")
    REPLACE = strawberry.enum_value("REPLACE", description="It is charged instead of them.")


@strawberry.type(description="A tax rate for one class of products in a country or a part of it.")
class TaxRate:
    """A tax rate."""

    region: str | None = strawberry.field(description="Only addresses in this region; null: the country.")
    postal_prefix: str | None = strawberry.field(
        description="Only postal codes that start so; null: all of them."
    )
    tax_class: str = strawberry.field(
        description="The class of products; standard also applies to classes without rates."
    )
    name: str = strawberry.field(description="The name of the tax.")
    rate: Amount = strawberry.field(description="In percent, such as 8.1.")
    combination: TaxCombination = strawberry.field(
        description="What it does to the rates of more general places."
    )
    reason: str | None = strawberry.field(description="Why the rate is what it is, such as exempt.")
    valid_from: Instant | None = strawberry.field(description="Inclusive; null: from the beginning.")
    valid_until: Instant | None = strawberry.field(description="Exclusive; null: without end.")


@strawberry.type(description="The tax rules of a country.")
class CountryTaxes:
    """The tax rules of a country."""

    country_code: CountryCode = strawberry.field(description="The country.")
    treatment: TaxTreatment | None = strawberry.field(
        description="How prices and tax relate; null: as in the whole shop (Shop.pricesIncludeTax)."
    )
    rates: list[TaxRate] = strawberry.field(description="In the order in which they were declared.")
    version: int = strawberry.field(description="Increases with every change; 0 without rules.")


@strawberry.input(description="A tax rate for one class of products in a country or a part of it.")
class TaxRateInput:
    """A tax rate."""

    name: str = strawberry.field(description="The name of the tax, 1-100 characters.")
    rate: Amount = strawberry.field(description="In percent, 0-100 with at most 4 decimals.")
    tax_class: str | None = strawberry.field(
        default=None,
        description="1-50 small letters, digits and hyphens; null: standard, which also applies to classes without rates.",
    )
    region: str | None = strawberry.field(
        default=None, description="Only addresses in this region, such as CA; null: the whole country."
    )
    postal_prefix: str | None = strawberry.field(
        default=None, description="Only postal codes that start so, up to 10 characters; null: all of them."
    )
    combination: TaxCombination = strawberry.field(
        default=TaxCombination.ADD, description="What it does to the rates of more general places."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why the rate is what it is, such as exempt, up to 200 characters."
    )
    valid_from: Instant | None = strawberry.field(
        default=None, description="Inclusive; null: from the beginning."
    )
    valid_until: Instant | None = strawberry.field(default=None, description="Exclusive; null: without end.")
