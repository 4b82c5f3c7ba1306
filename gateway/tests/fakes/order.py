"""A fake of the order service, as its contract says."""

from typing import Any

from souk.order.v1 import order_pb2
from souk.order.v1 import order_service_pb2 as order

from gateway.tests.fakes.recorder import NOW, Recorder
from kit.errors import NotFound
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer
from kit.values import ACCOUNT, ORDER, PRODUCT, Money, money_to_proto


def one_order(order_id: str, account_id: str, *products: str) -> order_pb2.Order:
    line = [_line(product_id) for product_id in products]
    total = money_to_proto(Money(1998 * len(products), "USD"))
    return order_pb2.Order(
        id=order_id,
        number="1042",
        account_id=account_id,
        lines=line,
        total=total,
        refunded=money_to_proto(Money(0, "USD")),
        status=order_pb2.ORDER_STATUS_PENDING,
        history=[order_pb2.OrderStatusChange(status=order_pb2.ORDER_STATUS_PENDING, time=NOW)],
        version=1,
        create_time=NOW,
        update_time=NOW,
    )


def _line(product_id: str) -> order_pb2.OrderLine:
    """A line for a variant has a SKU and options; that of a product is as a service of the release before variants sends it."""
    line = order_pb2.OrderLine(
        product_id=product_id, name="Mug", unit_price=money_to_proto(Money(999, "USD")), quantity=2
    )
    if product_id.startswith("var_"):
        line.product_id, line.variant_id, line.sku = PRODUCT.format(PRODUCT.new()), product_id, "MUG-R"
        line.options.add(name="Color", value="red")
    return line


class OrderRpc(UnimplementedServicer):
    service = order.DESCRIPTOR.services_by_name["OrderService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record
        self._known: dict[str, order_pb2.Order] = {}

    async def place_order(self, request: Any, call: Call) -> order.PlaceOrderResponse:
        self._record("PlaceOrder", request, call)
        principal = call.require_principal()
        made = one_order(
            ORDER.format(ORDER.new()),
            ACCOUNT.format(principal.account_id),
            *(line.product_id for line in request.lines),
        )
        self._known[made.id] = made
        return order.PlaceOrderResponse(order=made)

    async def get_order(self, request: Any, call: Call) -> order.GetOrderResponse:
        self._record("GetOrder", request, call)
        ORDER.parse(request.order_id, "id")
        known = self._known.get(request.order_id)
        if known is None or known.account_id != ACCOUNT.format(call.require_principal().account_id):
            raise NotFound("no such order", reason="ORDER_NOT_FOUND")
        return order.GetOrderResponse(order=known)

    async def cancel_order(self, request: Any, call: Call) -> order.CancelOrderResponse:
        self._record("CancelOrder", request, call)
        ended = one_order(request.order_id, ACCOUNT.format(call.require_principal().account_id))
        ended.status, ended.version = order_pb2.ORDER_STATUS_CANCELLED, 2
        ended.cancel_reason, ended.status_reason = order_pb2.CANCEL_REASON_CUSTOMER, request.reason
        return order.CancelOrderResponse(order=ended)

    async def update_order_status(self, request: Any, call: Call) -> order.UpdateOrderStatusResponse:
        self._record("UpdateOrderStatus", request, call)
        moved = one_order(request.order_id, ACCOUNT.format(call.require_principal().account_id))
        moved.status, moved.version = request.status, 2
        moved.history.add(
            status=request.status, time=NOW, note=request.note, internal_note=request.internal_note
        )
        return order.UpdateOrderStatusResponse(order=moved)

    def stands(self, order_id: str, account_id: str, version: int, status: str) -> None:
        """The order is as said from now on."""
        known = one_order(order_id, account_id, PRODUCT.format(PRODUCT.new()))
        known.version = version
        known.MergeFrom(order_pb2.Order(status=f"ORDER_STATUS_{status}"))
        self._known[order_id] = known

    async def list_orders(self, request: Any, call: Call) -> order.ListOrdersResponse:
        self._record("ListOrders", request, call)
        return self._page(request, request.account_id or ACCOUNT.format(call.require_principal().account_id))

    async def batch_list_orders(self, request: Any, call: Call) -> order.BatchListOrdersResponse:
        self._record("BatchListOrders", request, call)
        pages = [self._page(request.list, account_id) for account_id in request.account_ids]
        return order.BatchListOrdersResponse(pages=pages)

    def _page(self, request: Any, account_id: str) -> order.ListOrdersResponse:
        made = [
            one_order(ORDER.format(ORDER.new()), account_id, PRODUCT.format(PRODUCT.new()))
            for _ in range(request.page_size or 20)
        ]
        entries = [order.ListOrdersResponse.Entry(order=entry, cursor=entry.id) for entry in made]
        total = 1000 if request.count_total else None
        return order.ListOrdersResponse(entries=entries, total_count=total)
