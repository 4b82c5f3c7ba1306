"""Fakes of the order service's tax and shipping rules, as their contracts say: they answer what they are given."""

from typing import Any

from souk.order.v1 import shipping_service_pb2 as shipping
from souk.order.v1 import tax_service_pb2 as tax

from gateway.tests.fakes.recorder import Recorder
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer
from kit.values import Money, money_to_proto

ZONE_ID = "zone_00000000000000000000000001"
METHOD_ID = "method_00000000000000000000000007"


class TaxRpc(UnimplementedServicer):
    service = tax.DESCRIPTOR.services_by_name["TaxService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def list_tax_rates(self, request: Any, call: Call) -> tax.ListTaxRatesResponse:
        self._record("ListTaxRates", request, call)
        rates = [tax.TaxRate(name="MWST", ppm=81_000, tax_class="standard")]
        taxes = tax.CountryTaxes(country_code=request.country_code, rates=rates, version=1)
        return tax.ListTaxRatesResponse(taxes=taxes)

    async def set_tax_rates(self, request: Any, call: Call) -> tax.SetTaxRatesResponse:
        self._record("SetTaxRates", request, call)
        taxes = tax.CountryTaxes(country_code=request.country_code, rates=request.rates, version=2)
        return tax.SetTaxRatesResponse(taxes=taxes)

    async def set_tax_treatment(self, request: Any, call: Call) -> tax.SetTaxTreatmentResponse:
        self._record("SetTaxTreatment", request, call)
        taxes = tax.CountryTaxes(country_code=request.country_code, treatment=request.treatment, version=2)
        return tax.SetTaxTreatmentResponse(taxes=taxes)


class ShippingRpc(UnimplementedServicer):
    service = shipping.DESCRIPTOR.services_by_name["ShippingService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def list_shipping_zones(self, request: Any, call: Call) -> shipping.ListShippingZonesResponse:
        self._record("ListShippingZones", request, call)
        place = shipping.ShippingPlace(country_code="US", region="HI")
        zone = shipping.ShippingZone(
            id=ZONE_ID, name="islands", places=[place], methods=[_method()], version=1
        )
        entry = shipping.ListShippingZonesResponse.Entry(zone=zone, cursor="cursor-1")
        total = 1 if request.count_total else None
        return shipping.ListShippingZonesResponse(entries=[entry], has_next_page=True, total_count=total)

    async def set_shipping_zone(self, request: Any, call: Call) -> shipping.SetShippingZoneResponse:
        self._record("SetShippingZone", request, call)
        request.zone.id, request.zone.version = request.zone.id or ZONE_ID, 1
        for method in request.zone.methods:
            method.id, method.kind = method.id or METHOD_ID, method.kind
        return shipping.SetShippingZoneResponse(zone=request.zone)

    async def delete_shipping_zone(self, request: Any, call: Call) -> shipping.DeleteShippingZoneResponse:
        self._record("DeleteShippingZone", request, call)
        return shipping.DeleteShippingZoneResponse()

    async def list_shipping_methods(self, request: Any, call: Call) -> shipping.ListShippingMethodsResponse:
        self._record("ListShippingMethods", request, call)
        return shipping.ListShippingMethodsResponse(methods=[_method()])

    async def get_shop(self, request: Any, call: Call) -> shipping.GetShopResponse:
        self._record("GetShop", request, call)
        return shipping.GetShopResponse(prices_include_tax=True, delivery_country_codes=["CH", "US"])


def _method() -> shipping.ShippingMethod:
    bands = [
        shipping.ShippingBand(
            price=money_to_proto(Money(700, "USD")),
            measure=shipping.SHIPPING_MEASURE_SUBTOTAL,
            basis=shipping.SHIPPING_BASIS_AFTER_DISCOUNTS,
            subtotal_from=money_to_proto(Money(0, "USD")),
            subtotal_to=money_to_proto(Money(5000, "USD")),
        ),
        shipping.ShippingBand(
            price=money_to_proto(Money(900, "CHF")),
            measure=shipping.SHIPPING_MEASURE_WEIGHT,
            basis=shipping.SHIPPING_BASIS_AFTER_DISCOUNTS,
            grams_from=0,
            grams_to=2000,
        ),
    ]
    return shipping.ShippingMethod(
        id=METHOD_ID,
        name="post",
        kind=shipping.SHIPPING_METHOD_KIND_DELIVERY,
        tax_class="standard",
        min_days=1,
        max_days=3,
        bands=bands,
    )
