"""Postal addresses: those of orders, and the address book of an account."""

import strawberry

from kit.graphql import CountryCode, Instant


@strawberry.type(description="A postal address.")
class Address:
    """A postal address."""

    name: str = strawberry.field(description="The recipient.")
    line1: str = strawberry.field(description="Street and number.")
    line2: str | None = strawberry.field(description="Additional address line.")
    city: str = strawberry.field(description="City.")
    region: str | None = strawberry.field(description="State, province or canton.")
    postal_code: str = strawberry.field(description="In the country's format.")
    country_code: CountryCode = strawberry.field(description="Country.")


@strawberry.input(description="A postal address.")
class AddressInput:
    """A postal address."""

    name: str = strawberry.field(description="The recipient, 1-100 characters.")
    line1: str = strawberry.field(description="Street and number, 1-100 characters.")
    line2: str | None = strawberry.field(default=None, description="Additional address line.")
    city: str = strawberry.field(description="City, 1-100 characters.")
    region: str | None = strawberry.field(default=None, description="State, province or canton.")
    postal_code: str = strawberry.field(description="In the country's format.")
    country_code: CountryCode = strawberry.field(description="Country.")


@strawberry.type(
    description="An address that an account keeps. Carts and orders hold copies, which do not change with it."
)
class SavedAddress:
    """An address that an account keeps."""

    id: strawberry.ID = strawberry.field(description="Starts with adr_.")
    address: Address = strawberry.field(description="The address.")
    default_shipping: bool = strawberry.field(description="Whether it is the default for shipping.")
    default_billing: bool = strawberry.field(description="Whether it is the default for billing.")
    created_at: Instant = strawberry.field(description="When it was added.")
    updated_at: Instant = strawberry.field(description="When it last changed.")


@strawberry.input(description="A new address. As a default it takes the place of the previous one.")
class CreateAddressInput:
    """A new address."""

    address: AddressInput = strawberry.field(description="The address.")
    default_shipping: bool = strawberry.field(default=False, description="Makes it the default for shipping.")
    default_billing: bool = strawberry.field(default=False, description="Makes it the default for billing.")


@strawberry.input(description="Omitted and null fields keep their value.")
class UpdateAddressInput:
    """Changes of an address."""

    address: AddressInput | None = strawberry.field(default=None, description="Replaces the whole address.")
    default_shipping: bool | None = strawberry.field(
        default=None, description="Whether it is the default for shipping."
    )
    default_billing: bool | None = strawberry.field(
        default=None, description="Whether it is the default for billing."
    )
