"""Pages of shipping zones on PostgreSQL."""

import pytest
from souk.order.v1 import shipping_service_pb2 as pb

from kit.errors import InvalidArgument
from kit.testing.fixtures import database_url, postgres
from kit.values import Money, encode_cursor, money_to_proto
from order.shipping.domain import MAX_BANDS, MAX_METHODS, MAX_PLACES
from order.shipping.messages import CURSOR_SCOPE
from order.tests.rules_edge import RulesEdge, band, rules_edge, zone

__all__ = ["database_url", "postgres", "rules_edge"]


async def page(
    edge: RulesEdge, size: int, token: str = "", *, count: bool = False
) -> pb.ListShippingZonesResponse:
    request = pb.ListShippingZonesRequest(page_size=size, page_token=token, count_total=count)
    response: pb.ListShippingZonesResponse = await edge.ship(
        "ListShippingZones", request, pb.ListShippingZonesResponse
    )
    return response


async def pages(edge: RulesEdge, size: int) -> list[list[str]]:
    """The names of the zones of all pages."""
    names, response = [], await page(edge, size)
    while response.has_next_page:
        names.append([entry.zone.name for entry in response.entries])
        response = await page(edge, size, response.entries[-1].cursor)
    return [*names, [entry.zone.name for entry in response.entries]]


def full_zone(number: int) -> pb.ShippingZone:
    """A zone with as much as it may have, in letters of many bytes: upper case makes three of each iota."""
    ends = [money_to_proto(Money(10**11 + end, "USD")) for end in range(MAX_BANDS + 1)]
    bands = [
        band(10**12 - 1, subtotal_from=ends[index], subtotal_to=ends[index + 1]) for index in range(MAX_BANDS)
    ]
    method = pb.ShippingMethod(
        name="\U0001f4e6" * 100, tax_class="x" * 50, min_days=364, max_days=365, bands=bands
    )
    places = [
        pb.ShippingPlace(
            country_code="GR", region=f"{number}{index:04d}" + "\u0390" * 95, postal_prefix="\U0001f4ee" * 10
        )
        for index in range(MAX_PLACES)
    ]
    return zone(name=f"full {number}", places=places, methods=[method] * MAX_METHODS)


async def test_pages_of_many_full_zones_fit_into_a_message(rules_edge: RulesEdge) -> None:
    for number in range(7):
        await rules_edge.set_zone(full_zone(number))

    assert await pages(rules_edge, 100) == [
        ["full 0", "full 1"],
        ["full 2", "full 3"],
        ["full 4", "full 5"],
        ["full 6"],
    ]


async def test_zones_are_listed_by_name_and_each_once(rules_edge: RulesEdge) -> None:
    for name, country in (("b", "CH"), ("a", "DE"), ("b", "FR"), ("b", "IT"), ("c", "US")):
        await rules_edge.set_zone(zone(name=name, country=country))

    assert await pages(rules_edge, 2) == [["a", "b"], ["b", "b"], ["c"]]
    [whole, counted] = await page(rules_edge, 0), await page(rules_edge, 2, count=True)
    assert len({entry.zone.id for entry in whole.entries}) == 5
    assert (whole.has_next_page, whole.HasField("total_count")) == (False, False)
    assert (counted.has_next_page, counted.total_count) == (True, 5)


@pytest.mark.parametrize(
    ("size", "token", "path"),
    [
        (101, "", "first"),
        (1, "x", "after"),
        (1, encode_cursor("variants", ["a", str(1)]), "after"),
        (1, encode_cursor(CURSOR_SCOPE, ["a", "1"]), "after"),
        (1, encode_cursor(CURSOR_SCOPE, [1, "00000000-0000-0000-0000-000000000001"]), "after"),
        (1, encode_cursor(CURSOR_SCOPE, ["\0", "00000000-0000-0000-0000-000000000001"]), "after"),
    ],
)
async def test_a_bad_page_is_named(rules_edge: RulesEdge, size: int, token: str, path: str) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await page(rules_edge, size, token)

    assert [fault.path for fault in rejection.value.fields] == [(path,)]
