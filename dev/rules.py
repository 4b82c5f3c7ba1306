"""Rules of taxes and shipping that show what a shop has, for `make run`: tests and load run without. Existing rules are not changed.

Prices of products include tax, and createOrder needs no shipping method (REQUIRE_SHIPPING_METHOD), so an order that names none costs
what its products cost.
"""

from contextlib import suppress

from google.type.money_pb2 import Money as MoneyMessage
from souk.order.v1 import shipping_service_pb2 as shipping_pb
from souk.order.v1 import tax_service_pb2 as tax_pb

from kit.errors import Aborted
from kit.identity import Identity
from kit.rpc import Channel
from kit.values import Money, money_to_proto

_TAXES = tax_pb.DESCRIPTOR.services_by_name["TaxService"]
_SHIPPING = shipping_pb.DESCRIPTOR.services_by_name["ShippingService"]
# Country, name, class, millionths. The shop's own country is the United States (SHOP_COUNTRY).
_RATES = (
    ("US", "Sales tax", "standard", 80_000),
    ("US", "Sales tax", "reduced", 20_000),
    ("CH", "MWST", "standard", 81_000),
    ("CH", "MWST", "reduced", 26_000),
    ("DE", "USt", "standard", 190_000),
    ("DE", "USt", "reduced", 70_000),
    ("GB", "VAT", "standard", 200_000),
)
# Name, countries, and methods with kind, days and bands: price, from, to, in US cents.
_ZONES = (
    (
        "Home",
        ("US",),
        (
            ("Standard", "DELIVERY", (2, 5), ((695, 0, 5000), (0, 5000, None))),
            ("Express", "DELIVERY", (1, 2), ((1495, 0, None),)),
            ("Pick up in the shop", "PICKUP", (0, 1), ((0, 0, None),)),
        ),
    ),
    ("Europe", ("CH", "DE", "GB"), (("Parcel", "DELIVERY", (4, 10), ((1995, 0, None),)),)),
)


async def create_rules(port: int, identity: Identity | None) -> None:
    """Creates the rules where there are none, with the token of the current call; `port` is the order service's."""
    address = f"127.0.0.1:{port}"
    taxes, shipping = Channel(address, _TAXES, identity), Channel(address, _SHIPPING, identity)
    await taxes.open()
    await shipping.open()
    await _create_rates(taxes)
    await _create_zones(shipping)
    await taxes.close()
    await shipping.close()


async def _create_rates(channel: Channel) -> None:
    for country in dict.fromkeys(country for country, *_ in _RATES):
        # A country that has rules keeps them: those of an earlier start, or the developer's.
        with suppress(Aborted):
            await channel.call("SetTaxRates", _rates_request(country), tax_pb.SetTaxRatesResponse)


async def _create_zones(channel: Channel) -> None:
    request = shipping_pb.ListShippingZonesRequest(page_size=1)
    existing = await channel.call("ListShippingZones", request, shipping_pb.ListShippingZonesResponse)
    for name, countries, methods in () if existing.entries else _ZONES:
        zone = shipping_pb.ShippingZone(
            name=name, places=map(_place, countries), methods=[_method(*method) for method in methods]
        )
        set_request = shipping_pb.SetShippingZoneRequest(zone=zone)
        await channel.call("SetShippingZone", set_request, shipping_pb.SetShippingZoneResponse)


def _rates_request(country: str) -> tax_pb.SetTaxRatesRequest:
    rates = [
        tax_pb.TaxRate(name=name, tax_class=tax_class, ppm=ppm)
        for rate_country, name, tax_class, ppm in _RATES
        if rate_country == country
    ]
    return tax_pb.SetTaxRatesRequest(country_code=country, rates=rates, expected_version=0)


def _place(country: str) -> shipping_pb.ShippingPlace:
    return shipping_pb.ShippingPlace(country_code=country)


def _method(
    name: str, kind: str, days: tuple[int, int], bands: tuple[tuple[int, int, int | None], ...]
) -> shipping_pb.ShippingMethod:
    return shipping_pb.ShippingMethod(
        name=name,
        kind="SHIPPING_METHOD_KIND_" + kind,
        min_days=days[0],
        max_days=days[1],
        bands=[_band(*band) for band in bands],
    )


def _band(price: int, start: int, end: int | None) -> shipping_pb.ShippingBand:
    return shipping_pb.ShippingBand(
        price=_usd(price), subtotal_from=_usd(start), subtotal_to=None if end is None else _usd(end)
    )


def _usd(minor: int) -> MoneyMessage:
    return money_to_proto(Money(minor, "USD"))
