"""The order service."""

from collections.abc import Mapping, Sequence

import strawberry
from souk.order.v1 import order_pb2 as order
from souk.order.v1 import order_service_pb2 as pb

from gateway.peers.address import address_message, address_of
from gateway.peers.shipping import order_shipping
from gateway.peers.tax import tax_of
from gateway.types.options import OptionValue
from gateway.types.order import (
    CancelReason,
    CreateOrderInput,
    Order,
    OrderConnection,
    OrderEdge,
    OrderFilter,
    OrderLine,
    OrderStatus,
    OrderStatusChange,
)
from kit.graphql import Amount, PageRequest
from kit.graphql.conversions import amount, currency, instant, or_blank, text_or_none, timestamp
from kit.graphql.paging import connection
from kit.identity import Identity
from kit.rpc import Peer
from kit.values import PRODUCT, VARIANT, Money, money_from_proto, secret_token


class Orders(Peer):
    """Orders."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["OrderService"], identity)

    async def place(self, input: CreateOrderInput) -> Order:
        """PlaceOrder. Without the client's idempotency key, a random one makes our own retries safe."""
        key = input.idempotency_key
        request = pb.PlaceOrderRequest(
            account_id=or_blank(input.account_id),
            lines=[
                pb.PlaceOrderRequest.Line(product_id=line.id, quantity=line.quantity)
                for line in input.products
            ],
            shipping_address=address_message(input.shipping_address) if input.shipping_address else None,
            shipping_method_id=or_blank(input.shipping_method_id),
            billing_address=address_message(input.billing_address) if input.billing_address else None,
            payment_method=or_blank(input.payment_method),
            expected_total=input.expected_total or "",
            request_id=secret_token() if key is None else key,
            confirmation="PAYMENT_CONFIRMATION_" + input.confirmation.name,
            save_method=input.save_method,
        )
        return order_of((await self._call("PlaceOrder", request, pb.PlaceOrderResponse)).order)

    async def cancel(self, order_id: str, reason: str | None) -> Order:
        """CancelOrder."""
        request = pb.CancelOrderRequest(order_id=order_id, reason=reason or "")
        return order_of((await self._call("CancelOrder", request, pb.CancelOrderResponse)).order)

    async def update_status(
        self, order_id: str, status: OrderStatus, note: str | None, internal_note: str | None
    ) -> Order:
        """UpdateOrderStatus."""
        request = pb.UpdateOrderStatusRequest(
            order_id=order_id,
            status="ORDER_STATUS_" + status.name,
            note=note or "",
            internal_note=internal_note or "",
        )
        return order_of((await self._call("UpdateOrderStatus", request, pb.UpdateOrderStatusResponse)).order)

    async def get(self, order_id: str) -> Order:
        """GetOrder."""
        request = pb.GetOrderRequest(order_id=order_id)
        return order_of((await self._call("GetOrder", request, pb.GetOrderResponse)).order)

    async def list(
        self, account_id: str | None, filter: OrderFilter | None, page: PageRequest
    ) -> OrderConnection:
        """ListOrders; None lists those of all accounts."""
        request = _list_request(filter, page)
        request.account_id, request.all_accounts = or_blank(account_id), account_id is None
        request.page_token = page.token
        return _page(await self._call("ListOrders", request, pb.ListOrdersResponse), page.token)

    async def list_by_account(
        self, filter: OrderFilter | None, page: PageRequest, account_ids: Sequence[str]
    ) -> Mapping[str, OrderConnection]:
        """The first page of each account: BatchListOrders, or ListOrders for one account."""
        if len(account_ids) == 1:
            return {account_ids[0]: await self.list(account_ids[0], filter, page)}
        request = pb.BatchListOrdersRequest(account_ids=account_ids, list=_list_request(filter, page))
        response = await self._call("BatchListOrders", request, pb.BatchListOrdersResponse)
        pages = (_page(page, "") for page in response.pages)
        return dict(zip(account_ids, pages, strict=True))


def _list_request(filter: OrderFilter | None, page: PageRequest) -> pb.ListOrdersRequest:
    request = pb.ListOrdersRequest(page_size=page.size, count_total=page.count)
    if filter is not None:
        if filter.statuses is not None:
            statuses = ["ORDER_STATUS_" + status.name for status in filter.statuses]
            request.status_filter.CopyFrom(pb.OrderStatuses(values=statuses))
            # For an order service version without status_filter, during a rolling update.
            request.statuses.extend(request.status_filter.values)
        if filter.created_after is not None:
            request.created_after.CopyFrom(timestamp(filter.created_after))
        if filter.created_before is not None:
            request.created_before.CopyFrom(timestamp(filter.created_before))
        if filter.number is not None:
            request.number = filter.number
    return request


def _page(response: pb.ListOrdersResponse, token: str) -> OrderConnection:
    edges = [OrderEdge(cursor=entry.cursor, node=order_of(entry.order)) for entry in response.entries]
    return connection(OrderConnection, edges, response, token)


def order_of(message: order.Order) -> Order:
    """An order of a message."""
    reason = order.CancelReason.Name(message.cancel_reason).removeprefix("CANCEL_REASON_")
    # An order service of the release before has no amounts but the total, during a rolling update.
    zero = Amount(Money.zero(message.total.currency_code).text())
    return Order(
        id=strawberry.ID(message.id),
        number=message.number,
        account_id=strawberry.ID(message.account_id),
        lines=[_line(line) for line in message.lines],
        total_price=amount(message.total),
        subtotal=amount(message.subtotal if message.HasField("subtotal") else message.total),
        shipping=order_shipping(message.shipping) if message.HasField("shipping") else None,
        taxes=[tax_of(tax) for tax in message.taxes],
        tax_total=amount(message.tax_total) if message.HasField("tax_total") else zero,
        tax_included=message.tax_included,
        refunded_amount=amount(message.refunded),
        currency=currency(message.total),
        status=_status(message.status),
        cancel_reason=None if reason == "UNSPECIFIED" else CancelReason[reason],
        status_reason=text_or_none(message.status_reason),
        history=[
            OrderStatusChange(
                status=_status(step.status),
                at=instant(step.time),
                note=text_or_none(step.note),
                internal_note=text_or_none(step.internal_note),
            )
            for step in message.history
        ],
        shipping_address=address_of(message.shipping_address)
        if message.HasField("shipping_address")
        else None,
        billing_address=address_of(message.billing_address) if message.HasField("billing_address") else None,
        note=text_or_none(message.note),
        version=message.version,
        created_at=instant(message.create_time),
        updated_at=instant(message.update_time),
    )


def _line(message: order.OrderLine) -> OrderLine:
    total = money_from_proto(message.unit_price) * message.quantity
    return OrderLine(
        product_id=strawberry.ID(message.product_id),
        name=message.name,
        unit_price=amount(message.unit_price),
        quantity=message.quantity,
        line_total=Amount(total.text()),
        # An order service of the release before variants sends none.
        variant_id=strawberry.ID(message.variant_id or VARIANT.format(PRODUCT.parse(message.product_id))),
        sku=text_or_none(message.sku),
        options=[OptionValue(name=option.name, value=option.value) for option in message.options],
        tax=amount(message.tax) if message.HasField("tax") else Amount(Money.zero(total.currency).text()),
        total=amount(message.total) if message.HasField("total") else Amount(total.text()),
    )


def _status(number: int) -> OrderStatus:
    return OrderStatus[order.OrderStatus.Name(number).removeprefix("ORDER_STATUS_")]
