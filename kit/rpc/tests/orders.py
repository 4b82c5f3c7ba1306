"""An order service that answers as each test says, over a real grpc.aio server and channel in this process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.auth import Principal, Role
from kit.errors import (
    Unauthenticated,
)
from kit.rpc import Call, Channel, Encoded, Server
from kit.testing.contracts import UnimplementedServicer

SERVICE = pb.DESCRIPTOR.services_by_name["OrderService"]
USER = Principal(UUID(int=1), Role.USER, UUID(int=2), "good")
ADMIN = Principal(UUID(int=1), Role.ADMIN, UUID(int=2), "admin")
Answer = Callable[[pb.GetOrderRequest, Call], Awaitable[pb.GetOrderResponse | Encoded]]


class OrderRpc(UnimplementedServicer):
    """Answers as each test says."""

    service = SERVICE

    def __init__(self) -> None:
        self.answer: Answer = self.echo
        self.calls: list[Call] = []

    async def echo(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        response = pb.GetOrderResponse()
        response.order.id = request.order_id
        return response

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse | Encoded:
        self.calls.append(call)
        return await self.answer(request, call)

    async def place_order(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        self.calls.append(call)
        return pb.PlaceOrderResponse()

    async def list_orders(self, request: pb.ListOrdersRequest, call: Call) -> pb.ListOrdersResponse:
        return pb.ListOrdersResponse()


class Verifier:
    async def verify(self, token: str) -> Principal:
        if token == "good":
            return USER
        if token == "admin":
            return ADMIN
        raise Unauthenticated("the token is not valid", reason="TOKEN_INVALID")


@pytest.fixture
def orders() -> OrderRpc:
    return OrderRpc()


@pytest.fixture
async def server(orders: OrderRpc) -> AsyncIterator[Server]:
    server = Server([orders], host="127.0.0.1", port=0, verifier=Verifier())
    await server.start()
    yield server
    await server.stop(0)


@pytest.fixture
async def channel(server: Server) -> AsyncIterator[Channel]:
    channel = Channel(f"127.0.0.1:{server.port}", SERVICE)
    await channel.open()
    yield channel
    await channel.close()


async def get(channel: Channel, order_id: str = "ord_1") -> pb.GetOrderResponse:
    return await channel.call("GetOrder", pb.GetOrderRequest(order_id=order_id), pb.GetOrderResponse)


def raising(error: Exception) -> Answer:
    async def answer(request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        raise error

    return answer
