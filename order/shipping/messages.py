"""The contract's messages of shipping zones <-> the domain. Validation errors name the public API's paths (methods.0.rates.1.price)."""

from uuid import UUID

from souk.order.v1 import shipping_service_pb2 as pb

from kit.values import (
    SHIPPING_METHOD,
    SHIPPING_ZONE,
    FieldReader,
    IdKind,
    Money,
    Page,
    encode_cursor,
    money_from_proto,
    money_to_proto,
    read_id,
)
from order.pricing.places import Destination
from order.pricing.rules import PROPORTIONAL, Band, Basis, Measure, Method, MethodKind, Zone
from order.rules.fields import read_place, read_tax_class
from order.shipping.domain import MAX_BANDS, MAX_METHODS, MAX_PLACES, StoredZone

CURSOR_SCOPE = "shipping zones"
_MAX_NAME_LENGTH = 100
_MAX_DAYS = 365
_MAX_MINOR = 10**12
_MAX_GRAMS = 10**9
_KIND = "SHIPPING_METHOD_KIND_"
_MEASURE = "SHIPPING_MEASURE_"
_BASIS = "SHIPPING_BASIS_"


def zone_from_proto(message: pb.ShippingZone) -> tuple[Zone, bool]:
    """A zone, and whether it is a new one; raises InvalidArgument with all violations."""
    reader = FieldReader()
    reader.require(len(message.places) <= MAX_PLACES, f"must have at most {MAX_PLACES:,}", "places")
    reader.require(len(message.methods) <= MAX_METHODS, f"must have at most {MAX_METHODS}", "methods")
    zone = Zone(
        id=_id(reader, SHIPPING_ZONE, message.id, "id"),
        name=reader.name(message.name, "name", max_length=_MAX_NAME_LENGTH),
        places=tuple(
            read_place(
                reader,
                reader.country(place.country_code, "places", index, "countryCode"),
                place.region,
                place.postal_prefix,
                "places",
                index,
            )
            for index, place in enumerate(message.places[:MAX_PLACES])
        ),
        methods=tuple(
            _method(reader, method, "methods", index)
            for index, method in enumerate(message.methods[:MAX_METHODS])
        ),
    )
    for index, place in enumerate(zone.places):
        first = zone.places.index(place)
        reader.require(first == index, f"is the same as places.{first}", "places", index)
    ids = [method.id for method in zone.methods]
    for index, method_id in enumerate(ids):
        first = ids.index(method_id)
        reader.require(first == index, f"is the same as methods.{first}.id", "methods", index, "id")
    reader.raise_if_invalid()
    return zone, not message.id


def destination_from_proto(request: pb.ListShippingMethodsRequest) -> Destination:
    """Raises InvalidArgument."""
    reader = FieldReader()
    country = reader.country(request.country_code, "countryCode")
    region = reader.name(request.region, "region", min_length=0, max_length=_MAX_NAME_LENGTH)
    postal_code = reader.text(request.postal_code, "postalCode", max_length=_MAX_NAME_LENGTH)
    reader.raise_if_invalid()
    return Destination.of(country, region, postal_code)


def zone_to_proto(stored: StoredZone) -> pb.ShippingZone:
    """A zone with everything about it."""
    zone = stored.zone
    return pb.ShippingZone(
        id=SHIPPING_ZONE.format(zone.id),
        name=zone.name,
        places=[
            pb.ShippingPlace(
                country_code=place.country, region=place.region, postal_prefix=place.postal_prefix
            )
            for place in zone.places
        ],
        methods=[method_to_proto(method) for method in zone.methods],
        version=stored.version,
    )


def page_to_proto(page: Page[StoredZone]) -> pb.ListShippingZonesResponse:
    """A page of zones with their cursors."""
    entries = [
        pb.ListShippingZonesResponse.Entry(
            zone=zone_to_proto(stored),
            cursor=encode_cursor(CURSOR_SCOPE, [stored.zone.name, str(stored.zone.id)]),
        )
        for stored in page.items
    ]
    return pb.ListShippingZonesResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)


def method_to_proto(method: Method) -> pb.ShippingMethod:
    """A method with its bands."""
    return pb.ShippingMethod(
        id=SHIPPING_METHOD.format(method.id),
        name=method.name,
        kind=_KIND + method.kind,
        tax_class=method.tax_class,
        min_days=method.min_days,
        max_days=method.max_days,
        bands=[_band_to_proto(band) for band in method.bands],
    )


def _method(reader: FieldReader, message: pb.ShippingMethod, *path: str | int) -> Method:
    tax_class = PROPORTIONAL
    if message.tax_class != PROPORTIONAL:
        tax_class = read_tax_class(reader, message.tax_class, *path, "taxClass")
    reader.require(len(message.bands) <= MAX_BANDS, f"must have at most {MAX_BANDS}", *path, "rates")
    reader.require(bool(message.bands), "must have at least 1", *path, "rates")
    first, last = _days(reader, message, "min_days", *path), _days(reader, message, "max_days", *path)
    reader.require(
        first is None or last is None or first <= last, "must not be below minDays", *path, "maxDays"
    )
    pickup = message.kind == pb.SHIPPING_METHOD_KIND_PICKUP
    return Method(
        id=_id(reader, SHIPPING_METHOD, message.id, *path, "id"),
        name=reader.name(message.name, *path, "name", max_length=_MAX_NAME_LENGTH),
        bands=tuple(
            _band(reader, band, *path, "rates", index) for index, band in enumerate(message.bands[:MAX_BANDS])
        ),
        tax_class=tax_class,
        kind=MethodKind.PICKUP if pickup else MethodKind.DELIVERY,
        min_days=first,
        max_days=last,
    )


def _days(reader: FieldReader, message: pb.ShippingMethod, field: str, *path: str | int) -> int | None:
    if not message.HasField(field):
        return None
    name = {"min_days": "minDays", "max_days": "maxDays"}[field]
    return reader.integer(getattr(message, field), *path, name, minimum=0, maximum=_MAX_DAYS)


def _band(reader: FieldReader, message: pb.ShippingBand, *path: str | int) -> Band:
    price = _money(reader, message, "price", "price", *path) or Money.zero("USD")
    reader.require(not price.step_violation(), price.step_violation(), *path, "price")
    by_weight = message.measure == pb.SHIPPING_MEASURE_WEIGHT
    start, end = _grams(reader, message, *path) if by_weight else _subtotals(reader, message, price, *path)
    end_name = "gramsTo" if by_weight else "subtotalTo"
    reader.require(end is None or start < end, "must be above the lower end", *path, end_name)
    before = message.basis == pb.SHIPPING_BASIS_BEFORE_DISCOUNTS
    return Band(
        currency=price.currency,
        price=price.minor,
        start=start,
        end=end,
        measure=Measure.WEIGHT if by_weight else Measure.SUBTOTAL,
        basis=Basis.BEFORE_DISCOUNTS if before else Basis.AFTER_DISCOUNTS,
    )


def _grams(reader: FieldReader, message: pb.ShippingBand, *path: str | int) -> tuple[int, int | None]:
    start = reader.integer(message.grams_from, *path, "gramsFrom", minimum=0, maximum=_MAX_GRAMS)
    if not message.HasField("grams_to"):
        return start, None
    return start, reader.integer(message.grams_to, *path, "gramsTo", minimum=0, maximum=_MAX_GRAMS)


def _subtotals(
    reader: FieldReader, message: pb.ShippingBand, price: Money, *path: str | int
) -> tuple[int, int | None]:
    ends = [
        _money(reader, message, field, name, *path)
        for field, name in (("subtotal_from", "subtotalFrom"), ("subtotal_to", "subtotalTo"))
    ]
    for end, name in zip(ends, ("subtotalFrom", "subtotalTo"), strict=True):
        same = end is None or end.currency == price.currency
        reader.require(same, "must have the currency of the price", *path, name)
    start, end = ends
    return start.minor if start else 0, end.minor if end else None


def _money(
    reader: FieldReader, message: pb.ShippingBand, field: str, name: str, *path: str | int
) -> Money | None:
    if not message.HasField(field):
        reader.require(field != "price", "is required", *path, name)
        return None
    with reader.violations.collect():
        money = money_from_proto(getattr(message, field), *path, name)
        reader.require(0 <= money.minor <= _MAX_MINOR, "must be between 0 and 10^12 minor units", *path, name)
        return money
    return None


def _id(reader: FieldReader, kind: IdKind, text: str, *path: str | int) -> UUID:
    """A new id where none is given."""
    return (read_id(reader, kind, text, *path) if text else None) or kind.new()


def _band_to_proto(band: Band) -> pb.ShippingBand:
    price = money_to_proto(Money(band.price, band.currency))
    message = pb.ShippingBand(price=price, measure=_MEASURE + band.measure, basis=_BASIS + band.basis)
    if band.measure is Measure.WEIGHT:
        message.grams_from = band.start
        if band.end is not None:
            message.grams_to = band.end
        return message
    message.subtotal_from.CopyFrom(money_to_proto(Money(band.start, band.currency)))
    if band.end is not None:
        message.subtotal_to.CopyFrom(money_to_proto(Money(band.end, band.currency)))
    return message
