"""The gRPC methods of tax rules, for ADMIN."""

from souk.order.v1 import tax_service_pb2 as pb

from kit.auth import AdminVerifier
from kit.rpc import Call
from order.taxes.messages import country_from_proto, rates_from_proto, taxes_to_proto, treatment_from_proto
from order.taxes.use_cases import Taxes


class TaxRpc:
    """souk.order.v1.TaxService."""

    service = pb.DESCRIPTOR.services_by_name["TaxService"]

    def __init__(self, taxes: Taxes, admins: AdminVerifier) -> None:
        self._taxes = taxes
        self._admins = admins

    async def list_tax_rates(self, request: pb.ListTaxRatesRequest, call: Call) -> pb.ListTaxRatesResponse:
        """The rules of a country."""
        call.require_admin()
        taxes = await self._taxes.get(country_from_proto(request.country_code))
        return pb.ListTaxRatesResponse(taxes=taxes_to_proto(taxes))

    async def set_tax_rates(self, request: pb.SetTaxRatesRequest, call: Call) -> pb.SetTaxRatesResponse:
        """Declares all rates of a country."""
        caller = call.require_admin()
        country, rates = rates_from_proto(request)
        await self._admins.require_admin(caller)
        expected = request.expected_version if request.HasField("expected_version") else None
        taxes = await self._taxes.set_rates(
            caller, country, rates, expected_version=expected, address=call.address
        )
        return pb.SetTaxRatesResponse(taxes=taxes_to_proto(taxes))

    async def set_tax_treatment(
        self, request: pb.SetTaxTreatmentRequest, call: Call
    ) -> pb.SetTaxTreatmentResponse:
        """Sets how prices and tax relate in a country."""
        caller = call.require_admin()
        country = country_from_proto(request.country_code)
        treatment = treatment_from_proto(request.treatment)
        await self._admins.require_admin(caller)
        expected = request.expected_version if request.HasField("expected_version") else None
        taxes = await self._taxes.set_treatment(
            caller, country, treatment, expected_version=expected, address=call.address
        )
        return pb.SetTaxTreatmentResponse(taxes=taxes_to_proto(taxes))
