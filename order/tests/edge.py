"""OrderService on a server in this process, with fakes of its ports."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from souk.order.v1 import order_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.auth import Principal
from kit.rpc import Channel, Server
from kit.testing.contracts import acting_as
from kit.testing.principals import FakeAdminVerifier, FakeTokenVerifier
from kit.values import ORDER, PRODUCT
from order.closed_accounts.rpc import ClosedAccountsRpc
from order.listing.rpc import ListingRpc
from order.orders.rpc import OrdersRpc
from order.placing.rpc import PlacingRpc
from order.rpc import OrderServiceRpc
from order.tests.shop import Shop


@dataclass
class Edge:
    """A client of a running server."""

    channel: Channel
    tokens: FakeTokenVerifier
    shop: Shop
    admins: FakeAdminVerifier

    async def call(self, caller: Principal | None, method: str, request: Any, response: Any) -> Any:
        if caller is not None and not caller.token:
            caller = self.tokens.token(caller)
        with acting_as(caller):
            return await self.channel.call(method, request, response)

    async def place(self, caller: Principal | None, **fields: Any) -> order_pb2.Order:
        request = pb.PlaceOrderRequest(**{"lines": [line()], "request_id": PRODUCT.new().hex, **fields})
        response: pb.PlaceOrderResponse = await self.call(
            caller, "PlaceOrder", request, pb.PlaceOrderResponse
        )
        return response.order

    async def get(self, caller: Principal | None, order_id: str) -> order_pb2.Order:
        request = pb.GetOrderRequest(order_id=order_id)
        response: pb.GetOrderResponse = await self.call(caller, "GetOrder", request, pb.GetOrderResponse)
        return response.order

    async def paid(self, caller: Principal) -> order_pb2.Order:
        order = await self.place(caller)
        order_id = ORDER.parse(order.id)
        stock = await self.shop.orders.commit_stock(order_id)
        async with self.shop.db.transaction() as tx:
            await self.shop.orders.payment_succeeded(tx, order_id, stock)
        return await self.get(caller, order.id)

    async def cancel(self, caller: Principal | None, order_id: str, reason: str = "") -> order_pb2.Order:
        request = pb.CancelOrderRequest(order_id=order_id, reason=reason)
        response: pb.CancelOrderResponse = await self.call(
            caller, "CancelOrder", request, pb.CancelOrderResponse
        )
        return response.order

    async def move(self, caller: Principal | None, order_id: str, **fields: Any) -> order_pb2.Order:
        chosen = {"status": order_pb2.ORDER_STATUS_SHIPPED, **fields}
        request = pb.UpdateOrderStatusRequest(order_id=order_id, **chosen)
        response: pb.UpdateOrderStatusResponse = await self.call(
            caller, "UpdateOrderStatus", request, pb.UpdateOrderStatusResponse
        )
        return response.order

    async def close(self, caller: Principal | None, account_id: str) -> None:
        request = pb.CloseAccountOrdersRequest(account_id=account_id)
        await self.call(caller, "CloseAccountOrders", request, pb.CloseAccountOrdersResponse)

    async def list(self, caller: Principal | None, **fields: Any) -> pb.ListOrdersResponse:
        request = pb.ListOrdersRequest(**fields)
        response: pb.ListOrdersResponse = await self.call(
            caller, "ListOrders", request, pb.ListOrdersResponse
        )
        return response

    async def batch_list(
        self, caller: Principal | None, *accounts: str, **fields: Any
    ) -> pb.BatchListOrdersResponse:
        request = pb.BatchListOrdersRequest(account_ids=accounts, list=pb.ListOrdersRequest(**fields))
        response: pb.BatchListOrdersResponse = await self.call(
            caller, "BatchListOrders", request, pb.BatchListOrdersResponse
        )
        return response


def line(quantity: int = 1) -> pb.PlaceOrderRequest.Line:
    return pb.PlaceOrderRequest.Line(product_id=PRODUCT.format(PRODUCT.derive("mug")), quantity=quantity)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    shop, tokens, admins = Shop(), FakeTokenVerifier(), FakeAdminVerifier()
    rpc = OrderServiceRpc(
        OrdersRpc(shop.orders, admins),
        PlacingRpc(shop.placing, admins, default_method="pm_card_visa"),
        ListingRpc(shop.listing),
        ClosedAccountsRpc(shop.closed_accounts),
    )
    server = Server([rpc], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", OrderServiceRpc.service)
    await channel.open()
    yield Edge(channel, tokens, shop, admins)
    await channel.close()
    await server.stop(0)
