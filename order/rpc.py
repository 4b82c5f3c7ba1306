"""The gRPC servicers of the order service: each aggregate serves its own methods."""

from souk.order.v1 import cart_service_pb2 as carts
from souk.order.v1 import order_service_pb2 as pb

from kit.rpc import ComposedServicer


class OrderServiceRpc(ComposedServicer):
    """souk.order.v1.OrderService."""

    service = pb.DESCRIPTOR.services_by_name["OrderService"]


class CartServiceRpc(ComposedServicer):
    """souk.order.v1.CartService."""

    service = carts.DESCRIPTOR.services_by_name["CartService"]
