"""The gRPC servicer of the order service: each aggregate serves its own methods."""

from souk.order.v1 import order_service_pb2 as pb

from order.closed_accounts.rpc import ClosedAccountsRpc
from order.listing.rpc import ListingRpc
from order.orders.rpc import OrdersRpc
from order.placing.rpc import PlacingRpc


class OrderRpc:
    """souk.order.v1.OrderService."""

    service = pb.DESCRIPTOR.services_by_name["OrderService"]

    def __init__(
        self,
        orders: OrdersRpc,
        placing: PlacingRpc,
        listing: ListingRpc,
        closed_accounts: ClosedAccountsRpc,
    ) -> None:
        self.place_order = placing.place_order
        self.get_order = orders.get_order
        self.cancel_order = orders.cancel_order
        self.update_order_status = orders.update_order_status
        self.list_orders = listing.list_orders
        self.batch_list_orders = listing.batch_list_orders
        self.close_account_orders = closed_accounts.close_account_orders
