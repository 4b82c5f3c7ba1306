"""The rules that `make run` seeds: which they are, and that they are created once."""

from typing import Any

from souk.order.v1 import shipping_service_pb2 as shipping_pb
from souk.order.v1 import tax_service_pb2 as tax_pb

from dev.rules import create_rules
from kit.errors import Aborted
from kit.rpc import Call, Server
from kit.testing.contracts import UnimplementedServicer
from kit.testing.principals import FakeTokenVerifier


class Taxes(UnimplementedServicer):
    service = tax_pb.DESCRIPTOR.services_by_name["TaxService"]

    def __init__(self) -> None:
        self.rates: dict[str, tuple[int, ...]] = {}

    async def set_tax_rates(self, request: Any, call: Call) -> tax_pb.SetTaxRatesResponse:
        assert request.expected_version == 0
        if request.country_code in self.rates:
            raise Aborted(reason="VERSION_CONFLICT")
        self.rates[request.country_code] = tuple(rate.ppm for rate in request.rates)
        return tax_pb.SetTaxRatesResponse()


class Shipping(UnimplementedServicer):
    service = shipping_pb.DESCRIPTOR.services_by_name["ShippingService"]

    def __init__(self) -> None:
        self.zones: list[Any] = []

    async def list_shipping_zones(self, request: Any, call: Call) -> shipping_pb.ListShippingZonesResponse:
        entries = [shipping_pb.ListShippingZonesResponse.Entry(zone=zone) for zone in self.zones]
        return shipping_pb.ListShippingZonesResponse(entries=entries)

    async def set_shipping_zone(self, request: Any, call: Call) -> shipping_pb.SetShippingZoneResponse:
        self.zones.append(request.zone)
        return shipping_pb.SetShippingZoneResponse()


async def test_demonstration_rules_are_created_once() -> None:
    taxes, shipping = Taxes(), Shipping()
    server = Server([taxes, shipping], host="127.0.0.1", port=0, verifier=FakeTokenVerifier())
    await server.start()

    for _ in range(2):
        await create_rules(server.port, None)
    await server.stop(0)

    assert taxes.rates["CH"] == (81_000, 26_000)
    assert set(taxes.rates) == {"US", "CH", "DE", "GB"}
    assert [zone.name for zone in shipping.zones] == ["Home", "Europe"]
    assert [method.name for method in shipping.zones[0].methods] == [
        "Standard",
        "Express",
        "Pick up in the shop",
    ]
