"""Rules of RPCs, over a real grpc.aio server and channel in this process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import grpc
import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.auth import Principal, Role
from kit.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    JsonValue,
    NotFound,
    PermissionDenied,
    SoukError,
    Unauthenticated,
    Unavailable,
    Violation,
)
from kit.rpc import Call, Channel, Server, current_call
from kit.telemetry import correlation_id
from kit.testing.contracts import UnimplementedServicer
from kit.values import deadline, remaining

SERVICE = pb.DESCRIPTOR.services_by_name["OrderService"]
USER = Principal(UUID(int=1), Role.USER, UUID(int=2), "good")
ADMIN = Principal(UUID(int=1), Role.ADMIN, UUID(int=2), "admin")

Answer = Callable[[pb.GetOrderRequest, Call], Awaitable[pb.GetOrderResponse]]


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

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
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


async def test_a_call_is_answered(channel: Channel) -> None:
    assert (await get(channel, "ord_7")).order.id == "ord_7"


async def test_an_error_arrives_as_it_was_raised(channel: Channel, orders: OrderRpc) -> None:
    details: dict[str, JsonValue] = {
        "lines": [{"id": "prod_1", "available": 2}],
        "version": 3,
        "total": "5",
        "name": "null",
        "open": True,
    }
    fields = [Violation(("products", 0, "quantity"), "must be at least 1"), Violation(("email",), "ä")]
    orders.answer = raising(
        FailedPrecondition("too few", reason="OUT_OF_STOCK", details=details, fields=fields)
    )
    with pytest.raises(FailedPrecondition, match="too few") as caught:
        await get(channel)
    assert caught.value.reason == "OUT_OF_STOCK"
    assert caught.value.details == details
    assert list(caught.value.fields) == fields


async def test_a_long_list_of_faults_arrives_whole(channel: Channel, orders: OrderRpc) -> None:
    lines: JsonValue = [
        {"product_id": f"prod_{n:026d}", "requested": 10_000, "available": 0} for n in range(100)
    ]
    orders.answer = raising(FailedPrecondition("x" * 5000, details={"lines": lines}))
    with pytest.raises(FailedPrecondition) as caught:
        await get(channel)
    assert caught.value.details["lines"] == lines


@pytest.mark.parametrize("error", [NotFound("no such order"), InvalidArgument("bad"), PermissionDenied("no")])
async def test_a_category_arrives_as_its_class(channel: Channel, orders: OrderRpc, error: SoukError) -> None:
    orders.answer = raising(error)
    with pytest.raises(type(error), match=error.message):
        await get(channel)


@pytest.mark.parametrize(
    "error", [RuntimeError("password=hunter2"), Internal("at /etc/secret", details={"a": "b"})]
)
async def test_an_unexpected_error_says_nothing_but_internal(
    channel: Channel, orders: OrderRpc, error: Exception
) -> None:
    orders.answer = raising(error)
    with pytest.raises(Internal, match="internal error") as caught:
        await get(channel)
    assert not caught.value.details
    assert "hunter2" not in str(caught.value)


async def test_the_deadline_reaches_the_server_and_shrinks(channel: Channel, orders: OrderRpc) -> None:
    seen: list[float | None] = []

    async def answer(request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        seen.append(remaining())
        return pb.GetOrderResponse()

    orders.answer = answer
    token = deadline.set(time.monotonic() + 0.8)
    await get(channel)
    deadline.reset(token)
    assert seen[0] is not None
    assert 0 < seen[0] < 1


async def test_a_call_without_a_deadline_gets_its_contracts(channel: Channel, orders: OrderRpc) -> None:
    seen: list[float | None] = []

    async def answer(request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        seen.append(remaining())
        return pb.GetOrderResponse()

    orders.answer = answer
    await get(channel)
    assert seen[0] is not None
    assert 4 < seen[0] < 6  # the wire rounds


async def test_a_deadline_that_passes_ends_the_call_on_both_sides(channel: Channel, orders: OrderRpc) -> None:
    ended = asyncio.Event()

    async def answer(request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    orders.answer = answer
    token = deadline.set(time.monotonic() + 0.1)
    with pytest.raises(DeadlineExceeded):
        await get(channel)
    deadline.reset(token)
    await asyncio.wait_for(ended.wait(), 2)


async def test_no_time_left_means_no_call(channel: Channel, orders: OrderRpc) -> None:
    token = deadline.set(time.monotonic() - 1)
    with pytest.raises(DeadlineExceeded):
        await get(channel)
    deadline.reset(token)
    assert not orders.calls


async def test_unavailable_is_retried_as_the_contract_says(channel: Channel, orders: OrderRpc) -> None:
    async def answer(request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        if len(orders.calls) < 3:
            raise Unavailable("later")
        return pb.GetOrderResponse()

    orders.answer = answer
    await get(channel)
    assert len(orders.calls) == 3


async def test_retries_end(channel: Channel, orders: OrderRpc) -> None:
    orders.answer = raising(Unavailable("never", reason="DATABASE_UNAVAILABLE"))
    with pytest.raises(Unavailable, match="never") as caught:
        await get(channel)
    assert caught.value.reason == "DATABASE_UNAVAILABLE"
    assert len(orders.calls) == 3


async def test_a_refusal_is_not_retried(channel: Channel, orders: OrderRpc) -> None:
    orders.answer = raising(NotFound("no such order"))
    with pytest.raises(NotFound):
        await get(channel)
    assert len(orders.calls) == 1


async def test_the_callers_token_address_and_correlation_go_along(channel: Channel, orders: OrderRpc) -> None:
    here = current_call.set(Call(principal=USER, address="192.0.2.7"))
    correlation = correlation_id.set("req-1")
    await get(channel)
    correlation_id.reset(correlation)
    current_call.reset(here)
    (call,) = orders.calls
    assert call.require_principal() == USER
    assert (call.address, call.correlation_id) == ("192.0.2.7", "req-1")


async def test_a_call_outside_of_any_call_is_anonymous(channel: Channel, orders: OrderRpc) -> None:
    await get(channel)
    with pytest.raises(Unauthenticated):
        orders.calls[0].require_principal()


@pytest.mark.parametrize(
    ("principal", "error"), [(USER, PermissionDenied), (None, Unauthenticated), (ADMIN, None)]
)
async def test_only_an_admin_is_an_admin(principal: Principal | None, error: type[SoukError] | None) -> None:
    call = Call(principal)
    if error is None:
        assert call.require_admin() is principal
    else:
        with pytest.raises(error):
            call.require_admin()


@pytest.mark.parametrize("header", ["Bearer bad", "Basic eDp5", "Bearer", "good"])
async def test_a_bad_authorization_header_is_unauthenticated(server: Server, header: str) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as plain:
        call: Any = plain.unary_unary(f"/{SERVICE.full_name}/GetOrder")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", metadata=(("authorization", header),), timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_servicer_that_lacks_an_rpc_fails_at_once() -> None:
    class Incomplete:
        service = SERVICE

        async def get_order(self) -> None: ...

    with pytest.raises(TypeError, match="lacks PlaceOrder, ListOrders"):
        Server([Incomplete()], host="127.0.0.1", port=0)


async def test_the_wrong_response_class_fails_at_once(channel: Channel) -> None:
    with pytest.raises(TypeError, match=r"returns souk\.order\.v1\.GetOrderResponse"):
        await channel.call("GetOrder", pb.GetOrderRequest(), pb.ListOrdersResponse)


async def test_a_ping_follows_the_peers_health(server: Server, channel: Channel) -> None:
    with pytest.raises(Unavailable):
        await channel.ping()
    await server.set_serving()
    await channel.ping()
    await server.set_not_serving()
    with pytest.raises(Unavailable):
        await channel.ping()


async def test_a_peer_that_is_not_there_is_unavailable_and_named_only_by_its_rpc() -> None:
    channel = Channel("127.0.0.1:1", SERVICE)
    await channel.open()
    with pytest.raises(Unavailable) as caught:
        await get(channel)
    await channel.close()
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.reason == "PEER_UNAVAILABLE"


async def test_what_never_reached_a_peer_is_sent_once_it_is_there_whatever_it_is(
    server: Server, channel: Channel, orders: OrderRpc
) -> None:
    port = server.port
    await server.stop(0)
    request = pb.PlaceOrderRequest()
    placing = asyncio.create_task(channel.call("PlaceOrder", request, pb.PlaceOrderResponse))
    await asyncio.sleep(0.3)
    again = Server([orders], host="127.0.0.1", port=port)
    await again.start()
    await placing
    await again.stop(0)
    assert len(orders.calls) == 1


async def test_a_taken_port_is_said_so(server: Server) -> None:
    other = Server([OrderRpc()], host="127.0.0.1", port=server.port)
    with pytest.raises(OSError, match="in use"):
        await other.start()


async def test_calls_in_flight_end_before_the_server_does(
    server: Server, channel: Channel, orders: OrderRpc
) -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def answer(request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        started.set()
        await go.wait()
        return pb.GetOrderResponse()

    orders.answer = answer
    calling = asyncio.create_task(get(channel))
    await started.wait()
    stopping = asyncio.create_task(server.stop(5))
    await asyncio.sleep(0)
    go.set()
    await calling
    await stopping
