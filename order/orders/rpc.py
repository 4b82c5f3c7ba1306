"""The gRPC methods that read and change an order."""

from souk.order.v1 import order_service_pb2 as pb

from kit.auth import AdminVerifier
from kit.events import AdminActed
from kit.rpc import Call
from kit.values import ORDER
from order.orders.messages import cancellation_from_proto, order_to_proto, status_update_from_proto
from order.orders.use_cases import Orders


class OrdersRpc:
    """GetOrder, CancelOrder and UpdateOrderStatus."""

    def __init__(self, orders: Orders, admins: AdminVerifier) -> None:
        self._orders = orders
        self._admins = admins

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        """For the owner or an ADMIN."""
        caller = call.require_principal()
        order = await self._orders.get(caller, ORDER.parse(request.order_id, "id"))
        return pb.GetOrderResponse(order=order_to_proto(order, internal=caller.is_admin))

    async def cancel_order(self, request: pb.CancelOrderRequest, call: Call) -> pb.CancelOrderResponse:
        """For the owner or an ADMIN."""
        caller = call.require_principal()
        order_id, text = cancellation_from_proto(request)
        if caller.is_admin:
            await self._admins.require_admin(caller)
        order = await self._orders.cancel(caller, order_id, text, address=call.address)
        return pb.CancelOrderResponse(order=order_to_proto(order, internal=caller.is_admin))

    async def update_order_status(
        self, request: pb.UpdateOrderStatusRequest, call: Call
    ) -> pb.UpdateOrderStatusResponse:
        """For an ADMIN."""
        caller = call.require_admin()
        order_id, status, note, internal_note = status_update_from_proto(request)
        await self._admins.require_admin(caller)
        acted = AdminActed.by(caller, "order.update_order_status", request.order_id, call.address)
        order = await self._orders.update_status(order_id, status, note, internal_note, acted=acted)
        return pb.UpdateOrderStatusResponse(order=order_to_proto(order, internal=True))
