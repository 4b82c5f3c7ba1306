"""An order service that records what it was asked, and a stream as another client might speak it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from souk.order.v1 import order_service_pb2 as pb
from souk.rpc.v1 import call_service_pb2

from kit.errors import NotFound
from kit.rpc import Call, Channel, Server
from kit.rpc.stream import EXCHANGE
from kit.rpc.tests.orders import SERVICE
from kit.testing.contracts import UnimplementedServicer

GET = f"{SERVICE.full_name}/GetOrder"


class OrderRpc(UnimplementedServicer):
    """Answers as each test says; counts what it was asked."""

    service = SERVICE

    def __init__(self) -> None:
        self.requested: list[str] = []
        self.cancelled: list[str] = []
        self.peers: set[str] = set()
        self.go = asyncio.Event()

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        self.requested.append(request.order_id)
        self.peers.add(call.peer)
        response = pb.GetOrderResponse()
        response.order.id = request.order_id
        if request.order_id.startswith("wait"):
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled.append(request.order_id)
                raise
        if request.order_id == "long":
            response.order.status_reason = "x" * 5_000_000
        if request.order_id == "absent":
            raise NotFound("no such order")
        return response

    async def place_order(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        self.requested.append("place")
        await self.go.wait()
        return pb.PlaceOrderResponse()

    async def list_orders(self, request: pb.ListOrdersRequest, call: Call) -> pb.ListOrdersResponse:
        return pb.ListOrdersResponse()


@pytest.fixture
def orders() -> OrderRpc:
    return OrderRpc()


@pytest.fixture
async def server(orders: OrderRpc) -> AsyncIterator[Server]:
    server = Server([orders], host="127.0.0.1", port=0)
    await server.start()
    yield server
    await server.stop(0)


@pytest.fixture
async def exchange(server: Server) -> AsyncIterator[Any]:
    """A stream as another client might speak it."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as plain:
        yield plain.stream_stream(
            EXCHANGE,
            request_serializer=call_service_pb2.ExchangeRequest.SerializeToString,
            response_deserializer=call_service_pb2.ExchangeResponse.FromString,
        )()


async def get(channel: Channel, order_id: str) -> str:
    answer = await channel.call("GetOrder", pb.GetOrderRequest(order_id=order_id), pb.GetOrderResponse)
    return answer.order.id
