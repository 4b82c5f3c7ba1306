"""Shipping zones and methods, and the shop."""

from typing import Annotated

import strawberry
from strawberry import argument

from gateway.context import Info
from gateway.resolvers.tax import Country, ExpectedVersion
from gateway.types.shipping import (
    ShippingMethod,
    ShippingZone,
    ShippingZoneConnection,
    ShippingZoneInput,
    Shop,
)
from kit.graphql import After, First, page_request


@strawberry.type
class ShippingQueries:
    """Shipping zones and methods."""

    @strawberry.field(description="Public. What a storefront has to know of the shop.")
    async def shop(self, info: Info) -> Shop | None:
        """GetShop."""
        return await info.context.peers.shipping.shop()

    @strawberry.field(
        description="Public. The shipping methods of an address, with their rates; empty where nothing is delivered."
    )
    async def shipping_methods(
        self,
        info: Info,
        country_code: Country,
        region: Annotated[str | None, argument("State, province or canton.")] = None,
        postal_code: Annotated[str | None, argument("In the country's format.")] = None,
    ) -> list[ShippingMethod] | None:
        """ListShippingMethods."""
        return await info.context.peers.shipping.methods(country_code, region, postal_code)

    @strawberry.field(
        description="ADMIN. Shipping zones, by name. A page has fewer than `first` if these have more than 5,000 places and rates together."
    )
    async def shipping_zones(
        self, info: Info, first: First = 20, after: After = None
    ) -> ShippingZoneConnection | None:
        """ListShippingZones."""
        return await info.context.peers.shipping.zones(page_request(info, first, after))


@strawberry.type
class ShippingMutations:
    """Changes of shipping zones. Orders keep the name and price of their method."""

    @strawberry.mutation(
        description="ADMIN. Creates a shipping zone, or declares everything about one: places and methods that are left out are deleted. "
        "Rates that overlap fail with BAD_USER_INPUT (reason RATE_OVERLAP), a place of another zone with PLACE_TAKEN. From the first "
        "method on, createOrder needs one for products that are shipped."
    )
    async def set_shipping_zone(
        self,
        info: Info,
        input: Annotated[ShippingZoneInput, argument("The zone.")],
        expected_version: ExpectedVersion = None,
    ) -> ShippingZone | None:
        """SetShippingZone."""
        return await info.context.peers.shipping.set_zone(input, expected_version)

    @strawberry.mutation(description="ADMIN. Deletes a shipping zone with its methods; returns true.")
    async def delete_shipping_zone(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument("Starts with zone_.")],
        expected_version: ExpectedVersion = None,
    ) -> bool | None:
        """DeleteShippingZone."""
        await info.context.peers.shipping.delete_zone(id, expected_version)
        return True
