"""The gRPC methods of shipping zones."""

from souk.order.v1 import shipping_service_pb2 as pb

from kit.auth import AdminVerifier
from kit.rpc import Call
from kit.values import SHIPPING_ZONE, requested_page_by, text_key
from order.shipping.messages import (
    CURSOR_SCOPE,
    destination_from_proto,
    method_to_proto,
    page_to_proto,
    zone_from_proto,
    zone_to_proto,
)
from order.shipping.use_cases import Shipping


class ShippingRpc:
    """souk.order.v1.ShippingService."""

    service = pb.DESCRIPTOR.services_by_name["ShippingService"]

    def __init__(self, shipping: Shipping, admins: AdminVerifier) -> None:
        self._shipping = shipping
        self._admins = admins

    async def list_shipping_zones(
        self, request: pb.ListShippingZonesRequest, call: Call
    ) -> pb.ListShippingZonesResponse:
        """For an ADMIN."""
        call.require_admin()
        after, size = requested_page_by(request, CURSOR_SCOPE, text_key)
        return page_to_proto(await self._shipping.page(after, size, count=request.count_total))

    async def set_shipping_zone(
        self, request: pb.SetShippingZoneRequest, call: Call
    ) -> pb.SetShippingZoneResponse:
        """For an ADMIN."""
        caller = call.require_admin()
        zone, is_new = zone_from_proto(request.zone)
        await self._admins.require_admin(caller)
        expected = request.expected_version if request.HasField("expected_version") else None
        stored = await self._shipping.set_zone(
            caller, zone, is_new=is_new, expected_version=expected, address=call.address
        )
        return pb.SetShippingZoneResponse(zone=zone_to_proto(stored))

    async def delete_shipping_zone(
        self, request: pb.DeleteShippingZoneRequest, call: Call
    ) -> pb.DeleteShippingZoneResponse:
        """For an ADMIN."""
        caller = call.require_admin()
        zone_id = SHIPPING_ZONE.parse(request.zone_id, "id")
        await self._admins.require_admin(caller)
        expected = request.expected_version if request.HasField("expected_version") else None
        await self._shipping.delete_zone(caller, zone_id, expected_version=expected, address=call.address)
        return pb.DeleteShippingZoneResponse()

    async def list_shipping_methods(
        self, request: pb.ListShippingMethodsRequest, call: Call
    ) -> pb.ListShippingMethodsResponse:
        """For everybody."""
        methods = await self._shipping.methods(destination_from_proto(request))
        return pb.ListShippingMethodsResponse(methods=map(method_to_proto, methods))

    async def get_shop(self, request: pb.GetShopRequest, call: Call) -> pb.GetShopResponse:
        """For everybody."""
        shop = await self._shipping.shop()
        return pb.GetShopResponse(
            prices_include_tax=shop.prices_include_tax, delivery_country_codes=shop.delivery_countries
        )
