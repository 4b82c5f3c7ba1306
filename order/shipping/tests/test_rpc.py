"""Shipping zones on PostgreSQL: declaring them, overlaps, versions, bad input, and what an address is offered."""

import asyncio
from typing import Any

import pytest
from souk.order.v1 import shipping_service_pb2 as pb

from kit.db import ExclusionViolation
from kit.errors import Aborted, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer
from kit.values import SHIPPING_ZONE, Money, money_to_proto
from order.shipping import store
from order.tests.rules_edge import POST_ID, RulesEdge, band, rules_edge, zone

__all__ = ["database_url", "postgres", "rules_edge"]


def usd(minor: int) -> Any:
    return money_to_proto(Money(minor, "USD"))


async def zones(edge: RulesEdge) -> list[pb.ShippingZone]:
    response = await edge.ship(
        "ListShippingZones", pb.ListShippingZonesRequest(), pb.ListShippingZonesResponse
    )
    return [entry.zone for entry in response.entries]


async def methods(edge: RulesEdge, country: str, region: str = "", postal_code: str = "") -> list[str]:
    request = pb.ListShippingMethodsRequest(country_code=country, region=region, postal_code=postal_code)
    response = await edge.ship("ListShippingMethods", request, pb.ListShippingMethodsResponse, customer())
    return [method.name for method in response.methods]


async def test_set_shipping_zone_creates_a_zone_that_is_listed_as_declared(rules_edge: RulesEdge) -> None:
    declared = zone(band(700, subtotal_to=usd(5000)), band(0, subtotal_from=usd(5000)))

    stored = await rules_edge.set_zone(declared, expected=0)

    assert await zones(rules_edge) == [stored]
    assert stored.version == 1
    assert (stored.methods[0].tax_class, stored.methods[0].kind) == (
        "standard",
        pb.SHIPPING_METHOD_KIND_DELIVERY,
    )
    assert stored.methods[0].bands[0].subtotal_to == usd(5000)
    assert await rules_edge.audited() == [stored.id]


async def test_declaring_a_zone_again_keeps_the_ids_of_methods_that_it_names(rules_edge: RulesEdge) -> None:
    stored = await rules_edge.set_zone(zone())
    post_id = stored.methods[0].id
    stored.methods[0].name = "letter"
    stored.methods.append(pb.ShippingMethod(id=POST_ID, name="parcel", bands=[band()]))

    changed = await rules_edge.set_zone(stored, expected=1)

    assert [method.name for method in changed.methods] == ["letter", "parcel"]
    assert changed.methods[0].id == post_id
    # An id that the zone does not have is not the client's choice.
    assert changed.methods[1].id != POST_ID
    assert changed.version == 2


async def test_a_method_that_is_named_twice_is_rejected_and_named(rules_edge: RulesEdge) -> None:
    stored = await rules_edge.set_zone(zone())
    stored.methods.append(pb.ShippingMethod(id=stored.methods[0].id, name="parcel", bands=[band()]))

    with pytest.raises(InvalidArgument) as rejection:
        await rules_edge.set_zone(stored, expected=1)

    assert rejection.value.reason == "INVALID_ARGUMENT"
    assert [(fault.path, fault.message) for fault in rejection.value.fields] == [
        (("methods", 1, "id"), "is the same as methods.0.id")
    ]


async def test_bands_by_weight_are_stored_in_grams(rules_edge: RulesEdge) -> None:
    bands = [
        band(measure=pb.SHIPPING_MEASURE_WEIGHT, grams_to=1000),
        band(measure=pb.SHIPPING_MEASURE_WEIGHT, grams_from=1000, grams_to=30_000),
    ]

    stored = await rules_edge.set_zone(zone(*bands))

    assert [(row.grams_from, row.grams_to) for row in stored.methods[0].bands] == [(0, 1000), (1000, 30_000)]
    assert stored == (await zones(rules_edge))[0]


@pytest.mark.parametrize(
    "bands",
    [
        [band(), band()],
        [band(subtotal_to=usd(2000)), band(0, subtotal_from=usd(1999))],
        [band(0, subtotal_from=usd(5000)), band()],
        [band(subtotal_to=usd(2000)), band(measure=pb.SHIPPING_MEASURE_WEIGHT, grams_from=5000)],
        [
            band(subtotal_to=usd(2000)),
            band(basis=pb.SHIPPING_BASIS_BEFORE_DISCOUNTS, subtotal_from=usd(2000)),
        ],
    ],
)
async def test_bands_that_overlap_or_are_measured_differently_are_rejected_and_named(
    rules_edge: RulesEdge, bands: list[pb.ShippingBand]
) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await rules_edge.set_zone(zone(*bands))

    assert rejection.value.reason == "RATE_OVERLAP"
    assert [fault.path for fault in rejection.value.fields] == [("methods", 0, "rates", 1)]
    assert await zones(rules_edge) == []


async def test_all_bands_that_overlap_are_named(rules_edge: RulesEdge) -> None:
    by_weight = band(measure=pb.SHIPPING_MEASURE_WEIGHT, grams_from=5000)
    methods = [
        pb.ShippingMethod(name="post", bands=[band(), band(), by_weight]),
        pb.ShippingMethod(name="parcel", bands=[band(), band()]),
    ]

    with pytest.raises(InvalidArgument) as rejection:
        await rules_edge.set_zone(zone(methods=methods))

    assert [fault.path for fault in rejection.value.fields] == [
        ("methods", 0, "rates", 2),
        ("methods", 0, "rates", 1),
        ("methods", 1, "rates", 1),
    ]


async def test_the_database_rejects_overlapping_bands_too(rules_edge: RulesEdge) -> None:
    await rules_edge.set_zone(zone(band(subtotal_to=usd(2000))))

    with pytest.raises(ExclusionViolation, match="shipping_rates_overlap"):
        await rules_edge.db.execute(
            "INSERT INTO shipping_rates SELECT method_id, 9, currency, measure, basis, 1999, 3000, 0 FROM shipping_rates"
        )


async def test_bands_of_several_currencies_may_overlap(rules_edge: RulesEdge) -> None:
    euros = pb.ShippingBand(price=money_to_proto(Money(600, "EUR")))

    assert len((await rules_edge.set_zone(zone(band(), euros))).methods[0].bands) == 2


async def test_a_place_of_another_zone_is_rejected_and_named(rules_edge: RulesEdge) -> None:
    await rules_edge.set_zone(zone())
    other = zone(country="CH", name="abroad")
    other.places.append(pb.ShippingPlace(country_code="us"))

    with pytest.raises(InvalidArgument) as rejection:
        await rules_edge.set_zone(other)

    assert rejection.value.reason == "PLACE_TAKEN"
    assert [fault.path for fault in rejection.value.fields] == [("places", 1)]


@pytest.mark.parametrize(
    ("declared", "path"),
    [
        (zone(name=""), ("name",)),
        (zone(country="XX"), ("places", 0, "countryCode")),
        (zone(band(-1)), ("methods", 0, "rates", 0, "price")),
        (zone(pb.ShippingBand()), ("methods", 0, "rates", 0, "price")),
        (
            zone(pb.ShippingBand(price=money_to_proto(Money(1005, "KWD")))),
            ("methods", 0, "rates", 0, "price"),
        ),
        (
            zone(band(subtotal_from=usd(2), subtotal_to=usd(2))),
            ("methods", 0, "rates", 0, "subtotalTo"),
        ),
        (
            zone(band(subtotal_from=money_to_proto(Money(1, "EUR")))),
            ("methods", 0, "rates", 0, "subtotalFrom"),
        ),
        (zone(methods=[pb.ShippingMethod(name="x", tax_class="GOODS")]), ("methods", 0, "taxClass")),
        (zone(methods=[pb.ShippingMethod(name="x", min_days=3, max_days=2)]), ("methods", 0, "maxDays")),
        (zone(methods=[pb.ShippingMethod(name="x")] * 21), ("methods",)),
        (zone(methods=[pb.ShippingMethod(name="x")]), ("methods", 0, "rates")),
        (zone(methods=[pb.ShippingMethod(name="x", bands=[band()] * 51)]), ("methods", 0, "rates")),
        (
            zone(places=[pb.ShippingPlace(country_code="US"), pb.ShippingPlace(country_code="us")]),
            ("places", 1),
        ),
        (zone(id="zone_1"), ("id",)),
    ],
)
async def test_bad_zones_are_named(
    rules_edge: RulesEdge, declared: pb.ShippingZone, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await rules_edge.set_zone(declared)

    assert path in [fault.path for fault in rejection.value.fields]


async def test_unknown_zones_are_not_found(rules_edge: RulesEdge) -> None:
    unknown = SHIPPING_ZONE.format(SHIPPING_ZONE.new())
    request = pb.DeleteShippingZoneRequest(zone_id=unknown)

    with pytest.raises(NotFound):
        await rules_edge.set_zone(zone(id=unknown))
    with pytest.raises(NotFound):
        await rules_edge.ship("DeleteShippingZone", request, pb.DeleteShippingZoneResponse)


async def test_an_outdated_version_is_a_conflict(rules_edge: RulesEdge) -> None:
    stored = await rules_edge.set_zone(zone())
    await rules_edge.set_zone(stored, expected=1)
    request = pb.DeleteShippingZoneRequest(zone_id=stored.id, expected_version=1)

    with pytest.raises(Aborted) as rejection:
        await rules_edge.set_zone(stored, expected=1)
    with pytest.raises(Aborted):
        await rules_edge.ship("DeleteShippingZone", request, pb.DeleteShippingZoneResponse)

    assert rejection.value.details == {"version": 2}


async def test_concurrent_zones_with_one_place_are_one_zone(rules_edge: RulesEdge) -> None:
    results = await asyncio.gather(
        *(rules_edge.set_zone(zone(name=str(number))) for number in range(5)), return_exceptions=True
    )

    assert sum(isinstance(result, pb.ShippingZone) for result in results) == 1
    assert len(await zones(rules_edge)) == 1


async def test_delete_shipping_zone_deletes_everything_about_it(rules_edge: RulesEdge) -> None:
    stored = await rules_edge.set_zone(zone())
    request = pb.DeleteShippingZoneRequest(zone_id=stored.id, expected_version=1)

    await rules_edge.ship("DeleteShippingZone", request, pb.DeleteShippingZoneResponse)

    assert await zones(rules_edge) == []
    for table in ("zone_places", "shipping_methods", "shipping_rates"):
        assert await rules_edge.db.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert not (await rules_edge.rules.newest()).rules.has_methods


async def test_too_many_zones_are_rejected(rules_edge: RulesEdge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_ZONES", 1)
    await rules_edge.set_zone(zone())

    with pytest.raises(ResourceExhausted):
        await rules_edge.set_zone(zone(country="CH"))


async def test_list_shipping_methods_shows_those_of_the_most_specific_zone_to_everybody(
    rules_edge: RulesEdge,
) -> None:
    hawaii = pb.ShippingPlace(country_code="US", region="US-HI")
    await rules_edge.set_zone(zone())
    await rules_edge.set_zone(
        zone(name="islands", places=[hawaii], methods=[pb.ShippingMethod(name="plane", bands=[band()])])
    )

    assert await methods(rules_edge, "us", "or") == ["post"]
    assert await methods(rules_edge, "US", "hi") == ["plane"]
    assert await methods(rules_edge, "FR") == []


async def test_get_shop_shows_where_the_shop_delivers_to(rules_edge: RulesEdge) -> None:
    before = await rules_edge.ship("GetShop", pb.GetShopRequest(), pb.GetShopResponse, customer())
    await rules_edge.set_zone(zone())
    await rules_edge.set_zone(zone(country="CH", name="abroad"))
    after = await rules_edge.ship("GetShop", pb.GetShopRequest(), pb.GetShopResponse, customer())

    assert (before.prices_include_tax, list(before.delivery_country_codes)) == (True, [])
    assert list(after.delivery_country_codes) == ["CH", "US"]


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("ListShippingZones", pb.ListShippingZonesRequest()),
        ("SetShippingZone", pb.SetShippingZoneRequest(zone=zone())),
        (
            "DeleteShippingZone",
            pb.DeleteShippingZoneRequest(zone_id=SHIPPING_ZONE.format(SHIPPING_ZONE.new())),
        ),
    ],
)
async def test_zones_are_for_admins(rules_edge: RulesEdge, method: str, request_: Any) -> None:
    response = getattr(pb, f"{method}Response")

    with pytest.raises(PermissionDenied):
        await rules_edge.ship(method, request_, response, customer())
    if method != "ListShippingZones":
        rules_edge.admins.demoted.add(rules_edge.operator.account_id)
        with pytest.raises(PermissionDenied):
            await rules_edge.ship(method, request_, response)
