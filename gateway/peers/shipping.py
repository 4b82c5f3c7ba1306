"""Shipping zones and methods, and the conversions of shipping that orders and carts share."""

import strawberry
from souk.order.v1 import order_pb2
from souk.order.v1 import shipping_service_pb2 as pb

from gateway.types.shipping import (
    OrderShipping,
    ShippingBasis,
    ShippingMeasure,
    ShippingMethod,
    ShippingMethodInput,
    ShippingMethodKind,
    ShippingPlace,
    ShippingRate,
    ShippingRateInput,
    ShippingZone,
    ShippingZoneConnection,
    ShippingZoneEdge,
    ShippingZoneInput,
    Shop,
)
from kit.errors import Violations
from kit.graphql import CountryCode, CurrencyCode, PageRequest
from kit.graphql.conversions import amount, currency, money, or_blank, text_or_none
from kit.graphql.paging import connection
from kit.identity import Identity
from kit.rpc import Peer
from kit.values import CURRENCIES

_KIND = "SHIPPING_METHOD_KIND_"
_MEASURE = "SHIPPING_MEASURE_"
_BASIS = "SHIPPING_BASIS_"


class ShippingRules(Peer):
    """Shipping zones and methods, and the shop; `publishable_key`: the payment provider's, empty for none."""

    def __init__(self, address: str, identity: Identity | None = None, publishable_key: str = "") -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["ShippingService"], identity)
        self._publishable_key = publishable_key

    async def zones(self, page: PageRequest) -> ShippingZoneConnection:
        """ListShippingZones."""
        request = pb.ListShippingZonesRequest(
            page_size=page.size, page_token=page.token, count_total=page.count
        )
        response = await self._call("ListShippingZones", request, pb.ListShippingZonesResponse)
        edges = [ShippingZoneEdge(cursor=entry.cursor, node=_zone(entry.zone)) for entry in response.entries]
        return connection(ShippingZoneConnection, edges, response, page.token)

    async def set_zone(self, input: ShippingZoneInput, expected_version: int | None) -> ShippingZone:
        """SetShippingZone."""
        faults = Violations()
        zone = pb.ShippingZone(
            id=or_blank(input.id),
            name=input.name,
            places=[
                pb.ShippingPlace(
                    country_code=place.country_code,
                    region=place.region or "",
                    postal_prefix=place.postal_prefix or "",
                )
                for place in input.places
            ],
            methods=[_method_message(faults, method, index) for index, method in enumerate(input.methods)],
        )
        faults.raise_if_any()
        request = pb.SetShippingZoneRequest(zone=zone, expected_version=expected_version)
        return _zone((await self._call("SetShippingZone", request, pb.SetShippingZoneResponse)).zone)

    async def delete_zone(self, zone_id: str, expected_version: int | None) -> None:
        """DeleteShippingZone."""
        request = pb.DeleteShippingZoneRequest(zone_id=zone_id, expected_version=expected_version)
        await self._call("DeleteShippingZone", request, pb.DeleteShippingZoneResponse)

    async def methods(
        self, country: CountryCode, region: str | None, postal_code: str | None
    ) -> list[ShippingMethod]:
        """ListShippingMethods."""
        request = pb.ListShippingMethodsRequest(
            country_code=country, region=region or "", postal_code=postal_code or ""
        )
        response = await self._call("ListShippingMethods", request, pb.ListShippingMethodsResponse)
        return [method_of(method) for method in response.methods]

    async def shop(self) -> Shop:
        """GetShop."""
        response = await self._call("GetShop", pb.GetShopRequest(), pb.GetShopResponse)
        return Shop(
            prices_include_tax=response.prices_include_tax,
            delivery_countries=[CountryCode(code) for code in response.delivery_country_codes],
            currencies=[CurrencyCode(code) for code in sorted(CURRENCIES)],
            publishable_key=text_or_none(self._publishable_key),
        )


def method_of(message: pb.ShippingMethod) -> ShippingMethod:
    """A method with its rates."""
    kind = pb.ShippingMethodKind.Name(message.kind).removeprefix(_KIND)
    return ShippingMethod(
        id=strawberry.ID(message.id),
        name=message.name,
        kind=ShippingMethodKind[kind],
        tax_class=message.tax_class,
        min_days=message.min_days if message.HasField("min_days") else None,
        max_days=message.max_days if message.HasField("max_days") else None,
        rates=[_rate(band) for band in message.bands],
    )


def order_shipping(message: order_pb2.OrderShipping) -> OrderShipping:
    """How an order is sent."""
    return OrderShipping(
        method_id=strawberry.ID(message.method_id),
        name=message.name,
        price=amount(message.price),
        tax=amount(message.tax),
        total=amount(message.total),
    )


def _zone(message: pb.ShippingZone) -> ShippingZone:
    return ShippingZone(
        id=strawberry.ID(message.id),
        name=message.name,
        places=[
            ShippingPlace(
                country_code=CountryCode(place.country_code),
                region=text_or_none(place.region),
                postal_prefix=text_or_none(place.postal_prefix),
            )
            for place in message.places
        ],
        methods=[method_of(method) for method in message.methods],
        version=message.version,
    )


def _rate(message: pb.ShippingBand) -> ShippingRate:
    by_weight = message.measure == pb.SHIPPING_MEASURE_WEIGHT
    basis = pb.ShippingBasis.Name(message.basis).removeprefix(_BASIS)
    return ShippingRate(
        currency=currency(message.price),
        price=amount(message.price),
        measure=ShippingMeasure.WEIGHT if by_weight else ShippingMeasure.SUBTOTAL,
        basis=ShippingBasis[basis],
        subtotal_from=amount(message.subtotal_from) if message.HasField("subtotal_from") else None,
        subtotal_to=amount(message.subtotal_to) if message.HasField("subtotal_to") else None,
        grams_from=message.grams_from if by_weight else None,
        grams_to=message.grams_to if message.HasField("grams_to") else None,
    )


def _method_message(faults: Violations, method: ShippingMethodInput, index: int) -> pb.ShippingMethod:
    return pb.ShippingMethod(
        id=or_blank(method.id),
        name=method.name,
        kind=_KIND + method.kind.name,
        tax_class=or_blank(method.tax_class),
        min_days=method.min_days,
        max_days=method.max_days,
        bands=[
            _band_message(faults, rate, "methods", index, "rates", number)
            for number, rate in enumerate(method.rates)
        ],
    )


def _band_message(faults: Violations, rate: ShippingRateInput, *path: str | int) -> pb.ShippingBand:
    band = pb.ShippingBand(
        measure=_MEASURE + rate.measure.name,
        basis=_BASIS + rate.basis.name,
        grams_from=rate.grams_from,
        grams_to=rate.grams_to,
    )
    for message, name, value in (
        (band.price, "price", rate.price),
        (band.subtotal_from, "subtotalFrom", rate.subtotal_from),
        (band.subtotal_to, "subtotalTo", rate.subtotal_to),
    ):
        if value is not None:
            with faults.collect():
                message.CopyFrom(money(value, rate.currency, *path, name, currency_path=(*path, "currency")))
    return band
