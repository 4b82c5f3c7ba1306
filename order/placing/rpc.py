"""The gRPC method that places an order."""

from souk.order.v1 import order_service_pb2 as pb

from kit.auth import AdminVerifier
from kit.rpc import Call
from order.orders.messages import order_to_proto
from order.placing.messages import command_from_proto
from order.placing.use_cases import Placing


class PlacingRpc:
    """PlaceOrder."""

    def __init__(self, placing: Placing, admins: AdminVerifier, *, default_method: str = "") -> None:
        self._placing = placing
        self._admins = admins
        self._default_method = default_method

    async def place_order(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        """For the caller's own account, or any account for an ADMIN."""
        caller = call.require_principal()
        command = command_from_proto(request, caller.account_id, self._default_method)
        if command.account_id != caller.account_id and caller.is_admin:
            await self._admins.require_admin(caller)
        order = await self._placing.place(caller, command, address=call.address)
        return pb.PlaceOrderResponse(order=order_to_proto(order, internal=caller.is_admin))
