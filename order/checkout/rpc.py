"""The gRPC method that orders a cart."""

from souk.order.v1 import cart_service_pb2 as pb

from kit.rpc import Call
from order.checkout.messages import command_from_proto
from order.checkout.use_cases import Checkout
from order.orders.messages import order_to_proto


class CheckoutRpc:
    """Checkout."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    async def checkout(self, request: pb.CheckoutRequest, call: Call) -> pb.CheckoutResponse:
        """For the caller's own cart."""
        caller = call.require_principal()
        order = await self._checkout.check_out(caller, command_from_proto(request), address=call.address)
        return pb.CheckoutResponse(order=order_to_proto(order, internal=caller.is_admin))
