"""The gRPC edge: request -> call -> response. What the messages mean is in `messages`."""

from dataclasses import replace

from souk.order.v1 import order_service_pb2 as pb

from kit.events import AdminActed
from kit.rpc import Call
from kit.values import ACCOUNT, ORDER, FieldReader, Page, decode_position, encode_position, invalid_cursor
from order.domain import Order
from order.messages import (
    cancellation_from_proto,
    filter_from_proto,
    move_from_proto,
    order_to_proto,
    purchase_from_proto,
)
from order.ports import AdminVerifier, OrderFilter
from order.use_cases import Orders


class OrderRpc:
    """souk.order.v1.OrderService."""

    service = pb.DESCRIPTOR.services_by_name["OrderService"]

    def __init__(self, orders: Orders, admins: AdminVerifier, *, default_method: str = "") -> None:
        self._orders = orders
        self._admins = admins
        self._default_method = default_method

    async def place_order(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        """PlaceOrder."""
        caller = call.require_principal()
        purchase = purchase_from_proto(request, caller.account_id, self._default_method)
        if purchase.account_id not in (None, caller.account_id) and caller.is_admin:
            await self._admins.require_admin(caller)
        order = await self._orders.place(caller, purchase, address=call.address)
        return pb.PlaceOrderResponse(order=order_to_proto(order, internal=caller.is_admin))

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        """GetOrder."""
        caller = call.require_principal()
        order = await self._orders.get(caller, ORDER.parse(request.order_id, "id"))
        return pb.GetOrderResponse(order=order_to_proto(order, internal=caller.is_admin))

    async def list_orders(self, request: pb.ListOrdersRequest, call: Call) -> pb.ListOrdersResponse:
        """ListOrders."""
        account_id = call.resolve_account_scope(request.account_id, all_accounts=request.all_accounts)
        which, size = filter_from_proto(request, account_id), _size(request.page_size)
        after = decode_position(request.page_token, repr(which), "after")
        page = await self._orders.list(which, after, size, count=request.count_total)
        return _page(page, which, internal=call.require_principal().is_admin)

    async def batch_list_orders(
        self, request: pb.BatchListOrdersRequest, call: Call
    ) -> pb.BatchListOrdersResponse:
        """BatchListOrders."""
        caller, ids = call.require_principal(), ACCOUNT.parse_unique(request.account_ids, "account_ids")
        which, size = filter_from_proto(request.list, None), _size(request.list.page_size)
        if request.list.page_token:
            raise invalid_cursor("after")
        count = request.list.count_total
        pages = await self._orders.list_each(caller, which, ids, size, count=count)
        return pb.BatchListOrdersResponse(
            pages=[
                _page(page, replace(which, account_id=account_id), internal=caller.is_admin)
                for account_id, page in zip(ids, pages, strict=True)
            ]
        )

    async def cancel_order(self, request: pb.CancelOrderRequest, call: Call) -> pb.CancelOrderResponse:
        """CancelOrder."""
        caller = call.require_principal()
        wanted = cancellation_from_proto(request)
        if caller.is_admin:
            await self._admins.require_admin(caller)
        order = await self._orders.cancel(caller, *wanted, address=call.address)
        return pb.CancelOrderResponse(order=order_to_proto(order, internal=caller.is_admin))

    async def update_order_status(
        self, request: pb.UpdateOrderStatusRequest, call: Call
    ) -> pb.UpdateOrderStatusResponse:
        """UpdateOrderStatus."""
        caller = call.require_admin()
        wanted = move_from_proto(request)
        await self._admins.require_admin(caller)
        acted = AdminActed.by(caller, "order.update_order_status", request.order_id, call.address)
        order = await self._orders.update_status(*wanted, acted=acted)
        return pb.UpdateOrderStatusResponse(order=order_to_proto(order, internal=True))

    async def close_account_orders(
        self, request: pb.CloseAccountOrdersRequest, call: Call
    ) -> pb.CloseAccountOrdersResponse:
        """CloseAccountOrders."""
        await self._orders.close_account(
            call.require_principal(), ACCOUNT.parse(request.account_id, "accountId")
        )
        return pb.CloseAccountOrdersResponse()


def _size(asked: int) -> int:
    given = FieldReader()
    size = given.page_size(asked, "first")
    given.raise_if_invalid()
    return size


def _page(page: Page[Order], which: OrderFilter, *, internal: bool) -> pb.ListOrdersResponse:
    entries = [
        pb.ListOrdersResponse.Entry(
            order=order_to_proto(order, internal=internal),
            cursor=encode_position(repr(which), order.create_time, order.id),
        )
        for order in page.items
    ]
    return pb.ListOrdersResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)
