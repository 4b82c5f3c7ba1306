"""The gRPC edge: request -> call -> response. What the messages mean is in `messages`."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from souk.order.v1 import order_service_pb2 as pb

from kit.errors import InvalidArgument, PermissionDenied, Violation
from kit.events import AdminActed
from kit.rpc import Call
from kit.values import ACCOUNT, ORDER, Input, decode_cursor, encode_cursor
from order.domain import Order
from order.messages import (
    cancellation_from_proto,
    filter_from_proto,
    move_from_proto,
    order_to_proto,
    purchase_from_proto,
)
from order.ports import Admins, OrderFilter
from order.use_cases import Orders, Page

_PAGE = 20
_LARGEST_PAGE = 100


class OrderRpc:
    """souk.order.v1.OrderService."""

    service = pb.DESCRIPTOR.services_by_name["OrderService"]

    def __init__(self, orders: Orders, admins: Admins) -> None:
        self._orders = orders
        self._admins = admins

    async def place_order(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        """PlaceOrder."""
        caller = call.account()
        purchase = purchase_from_proto(request)
        if purchase.account_id not in (None, caller.account_id) and caller.is_admin:
            await self._admins.confirm(caller)
        order = await self._orders.place(caller, purchase, address=call.address)
        return pb.PlaceOrderResponse(order=order_to_proto(order, internal=caller.is_admin))

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        """GetOrder."""
        caller = call.account()
        order = await self._orders.get(caller, ORDER.parse(request.order_id, "id"))
        return pb.GetOrderResponse(order=order_to_proto(order, internal=caller.is_admin))

    async def list_orders(self, request: pb.ListOrdersRequest, call: Call) -> pb.ListOrdersResponse:
        """ListOrders."""
        which = filter_from_proto(request, _whose(request, call))
        size = _size(request)
        after = _position(request.page_token, which) if request.page_token else None
        page = await self._orders.list(which, after, size, count=request.count_total)
        return _page(page, which, internal=call.account().is_admin)

    async def batch_list_orders(
        self, request: pb.BatchListOrdersRequest, call: Call
    ) -> pb.BatchListOrdersResponse:
        """BatchListOrders."""
        caller, ids = call.account(), _accounts(request)
        which, size = filter_from_proto(request.list, None), _size(request.list)
        if request.list.page_token:
            raise _foreign_cursor()
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
        caller = call.account()
        wanted = cancellation_from_proto(request)
        if caller.is_admin:
            await self._admins.confirm(caller)
        order = await self._orders.cancel(caller, *wanted, address=call.address)
        return pb.CancelOrderResponse(order=order_to_proto(order, internal=caller.is_admin))

    async def update_order_status(
        self, request: pb.UpdateOrderStatusRequest, call: Call
    ) -> pb.UpdateOrderStatusResponse:
        """UpdateOrderStatus."""
        caller = call.admin()
        wanted = move_from_proto(request)
        await self._admins.confirm(caller)
        acted = AdminActed.by(caller, "order.update_order_status", request.order_id, call.address)
        order = await self._orders.update_status(*wanted, acted=acted)
        return pb.UpdateOrderStatusResponse(order=order_to_proto(order, internal=True))

    async def close_account_orders(
        self, request: pb.CloseAccountOrdersRequest, call: Call
    ) -> pb.CloseAccountOrdersResponse:
        """CloseAccountOrders."""
        await self._orders.close_account(call.account(), ACCOUNT.parse(request.account_id, "accountId"))
        return pb.CloseAccountOrdersResponse()


def _whose(request: pb.ListOrdersRequest, call: Call) -> UUID | None:
    """The account whose orders are listed; None: everybody's."""
    caller = call.account()
    if not request.account_id:
        return None if request.all_accounts and call.admin() else caller.account_id
    account_id = ACCOUNT.parse(request.account_id, "accountId")
    if not caller.may_act_for(account_id):
        raise PermissionDenied("accountId: not your own", reason="NOT_YOUR_ACCOUNT")
    return account_id


def _accounts(request: pb.BatchListOrdersRequest) -> list[UUID]:
    given = Input()
    count = len(set(request.account_ids))
    fine = 1 <= count <= _LARGEST_PAGE and count == len(request.account_ids)
    given.require(fine, f"must be 1-{_LARGEST_PAGE}, each once", "account_ids")
    given.done()
    return [ACCOUNT.parse(text, "account_ids", at) for at, text in enumerate(request.account_ids)]


def _size(request: pb.ListOrdersRequest) -> int:
    given = Input()
    size = given.integer(request.page_size or _PAGE, "first", least=1, most=_LARGEST_PAGE)
    given.done()
    return size


def _page(page: Page, which: OrderFilter, *, internal: bool) -> pb.ListOrdersResponse:
    entries = [
        pb.ListOrdersResponse.Entry(
            order=order_to_proto(order, internal=internal), cursor=_cursor(order, which)
        )
        for order in page.orders
    ]
    return pb.ListOrdersResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)


def _cursor(order: Order, which: OrderFilter) -> str:
    return encode_cursor(repr(which), [order.create_time.isoformat(), str(order.id)])


def _position(cursor: str, which: OrderFilter) -> tuple[datetime, UUID]:
    match decode_cursor(cursor, repr(which), "after"):
        case [str(create_time), str(order_id)]:
            try:
                return datetime.fromisoformat(create_time), UUID(order_id)
            except ValueError:
                pass  # made up by hand, with the right fingerprint; falls to the same answer as any other forgery
    raise _foreign_cursor()


def _foreign_cursor() -> InvalidArgument:
    rule = "must be a cursor of the same query, filter and sort"
    return InvalidArgument(f"after: {rule}", fields=[Violation(("after",), rule)], reason="INVALID_CURSOR")
