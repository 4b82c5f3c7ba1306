"""Rules of the streams that calls share, over a real grpc.aio server in this process."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from souk.order.v1 import order_service_pb2 as pb
from souk.rpc.v1 import call_service_pb2

from kit.errors import DeadlineExceeded, InvalidArgument, NotFound, ResourceExhausted, Unavailable
from kit.errors.transport import grpc_code
from kit.rpc import Call, Channel, Server
from kit.rpc import channel as channels
from kit.rpc import server as servers
from kit.rpc import stream as streams
from kit.rpc.status import decode
from kit.rpc.stream import EXCHANGE
from kit.testing import eventually
from kit.testing.contracts import UnimplementedServicer
from kit.values import deadline

SERVICE = pb.DESCRIPTOR.services_by_name["OrderService"]
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
async def channel(server: Server) -> AsyncIterator[Channel]:
    channel = Channel(f"127.0.0.1:{server.port}", SERVICE)
    await channel.open()
    yield channel
    await channel.close()


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


async def test_calls_share_a_stream_and_each_gets_its_own_answer(channel: Channel, orders: OrderRpc) -> None:
    requested = [f"ord_{n}" for n in range(200)]
    assert await asyncio.gather(*(get(channel, order_id) for order_id in requested)) == requested
    assert sorted(orders.requested) == sorted(requested)
    assert len(orders.peers) == 1


async def test_exchange_answers_what_came_together_in_few_messages(exchange: Any) -> None:
    body = pb.GetOrderRequest(order_id="ord_1").SerializeToString()
    calls = [
        call_service_pb2.CallRequest(id=n, method=GET, body=body, timeout_millis=5000) for n in range(1, 51)
    ]
    await exchange.write(call_service_pb2.ExchangeRequest(calls=calls))
    await exchange.done_writing()
    messages = [message async for message in exchange]
    assert sorted(answer.id for message in messages for answer in message.answers) == list(range(1, 51))
    assert len(messages) <= 3


async def test_a_slow_call_holds_up_no_other(channel: Channel, orders: OrderRpc) -> None:
    slow = asyncio.create_task(get(channel, "wait"))
    await eventually(lambda: orders.requested == ["wait"])
    assert await get(channel, "ord_1") == "ord_1"
    orders.go.set()
    assert await slow == "wait"


async def test_an_error_is_its_own_callers_alone(channel: Channel) -> None:
    absent, result = await asyncio.gather(
        get(channel, "absent"), get(channel, "ord_1"), return_exceptions=True
    )
    assert isinstance(absent, NotFound)
    assert result == "ord_1"


async def test_a_caller_that_gives_up_stops_its_call_alone(channel: Channel, orders: OrderRpc) -> None:
    first, second = asyncio.create_task(get(channel, "wait_1")), asyncio.create_task(get(channel, "wait_2"))
    await eventually(lambda: len(orders.requested) == 2)
    first.cancel()
    await eventually(lambda: orders.cancelled == ["wait_1"])
    orders.go.set()
    assert await second == "wait_2"
    assert orders.cancelled == ["wait_1"]


async def test_a_deadline_that_passes_stops_the_call_alone(channel: Channel, orders: OrderRpc) -> None:
    other = asyncio.create_task(get(channel, "wait_other"))
    token = deadline.set(time.monotonic() + 0.1)
    with pytest.raises(DeadlineExceeded):
        await get(channel, "wait_short")
    deadline.reset(token)
    await eventually(lambda: orders.cancelled == ["wait_short"])
    orders.go.set()
    assert await other == "wait_other"


async def test_what_is_too_long_is_refused_and_the_stream_goes_on(channel: Channel, orders: OrderRpc) -> None:
    waiting = asyncio.create_task(get(channel, "wait"))
    with pytest.raises(ResourceExhausted):
        await get(channel, "x" * 5_000_000)
    with pytest.raises(ResourceExhausted):
        await get(channel, "long")
    assert await get(channel, "x" * 1_000_000) == "x" * 1_000_000
    orders.go.set()
    assert await waiting == "wait"
    assert len(orders.peers) == 1


async def test_a_call_that_cannot_be_read_or_is_not_served_is_refused_alone(exchange: Any) -> None:
    body = pb.GetOrderRequest(order_id="ord_1").SerializeToString()
    calls = [
        call_service_pb2.CallRequest(id=1, method=GET, body=b"\xff", timeout_millis=5000),
        call_service_pb2.CallRequest(id=2, method="souk.order.v1.OrderService/Steal", timeout_millis=5000),
        call_service_pb2.CallRequest(id=3, method=GET, body=body, timeout_millis=5000),
    ]
    await exchange.write(call_service_pb2.ExchangeRequest(calls=calls))
    await exchange.done_writing()
    answers = {answer.id: answer async for message in exchange for answer in message.answers}
    assert isinstance(decode(answers[1].status), InvalidArgument)
    assert grpc_code(decode(answers[2].status)) == 5
    assert pb.GetOrderResponse.FromString(answers[3].body).order.id == "ord_1"


async def test_a_stream_beyond_its_share_of_calls_is_refused_more(exchange: Any, orders: OrderRpc) -> None:
    body = pb.GetOrderRequest(order_id="wait").SerializeToString()
    calls = [
        call_service_pb2.CallRequest(id=n, method=GET, body=body, timeout_millis=5000) for n in range(1, 1011)
    ]
    await exchange.write(call_service_pb2.ExchangeRequest(calls=calls))
    rejected = [answer async for answer in _answers(exchange, 10)]
    assert all(isinstance(decode(answer.status), ResourceExhausted) for answer in rejected)
    orders.go.set()
    assert len([answer async for answer in _answers(exchange, 1000)]) == 1000


async def _answers(exchange: Any, count: int) -> AsyncIterator[call_service_pb2.CallResponse]:
    while count > 0:
        for answer in (await exchange.read()).answers:
            count -= 1
            yield answer


async def test_a_server_that_stops_answers_what_it_has_and_takes_no_more(
    server: Server, channel: Channel, orders: OrderRpc
) -> None:
    calling = asyncio.create_task(get(channel, "wait"))
    await eventually(lambda: orders.requested == ["wait"])
    started_at = time.monotonic()
    stopping = asyncio.create_task(server.stop(30))
    await asyncio.sleep(0)
    orders.go.set()
    assert await calling == "wait"
    await stopping
    assert time.monotonic() - started_at < 10, "an idle stream held the server up"
    with pytest.raises(Unavailable):
        await get(channel, "ord_2")
    assert orders.requested == ["wait"]


async def test_a_peer_that_breaks_off_fails_the_calls_it_had_and_is_found_again(
    server: Server, channel: Channel, orders: OrderRpc
) -> None:
    port = server.port
    placing = asyncio.create_task(channel.call("PlaceOrder", pb.PlaceOrderRequest(), pb.PlaceOrderResponse))
    await eventually(lambda: orders.requested == ["place"])
    await server.stop(0)
    with pytest.raises(Unavailable) as caught:
        await placing
    assert caught.value.reason == "PEER_UNAVAILABLE"
    again = Server([orders], host="127.0.0.1", port=port)
    await again.start()
    assert await get(channel, "ord_1") == "ord_1"
    await again.stop(0)
    assert orders.requested.count("place") == 1, "a call that a peer had started is not sent again"


async def test_a_stream_that_breaks_with_internal_is_an_unavailable_peer() -> None:
    async def broken(_: Any, context: Any) -> AsyncIterator[call_service_pb2.ExchangeResponse]:
        # As grpc.aio says of a write that a peer's end has crossed: INTERNAL, "Internal error from Core".
        await context.abort(grpc.StatusCode.INTERNAL, "Internal error from Core")
        yield call_service_pb2.ExchangeResponse()

    server = grpc.aio.server()
    handlers: Any = {"Exchange": grpc.stream_stream_rpc_method_handler(broken)}
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("souk.rpc.v1.CallService", handlers),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = Channel(f"127.0.0.1:{port}", SERVICE)
    await channel.open()
    with pytest.raises(Unavailable) as caught:
        await channel.call("PlaceOrder", pb.PlaceOrderRequest(), pb.PlaceOrderResponse)
    assert caught.value.reason == "PEER_UNAVAILABLE"
    await channel.close()
    await server.stop(0)


async def test_a_stream_is_renewed_and_the_old_one_ends_its_calls(
    channel: Channel, orders: OrderRpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_RENEW_SECONDS", 0.0)
    slow = asyncio.create_task(get(channel, "wait"))
    await eventually(lambda: orders.requested == ["wait"])
    assert await get(channel, "ord_1") == "ord_1"
    orders.go.set()
    assert await slow == "wait"


async def test_a_stream_that_is_idle_for_long_is_still_there(
    orders: OrderRpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same options, a hundred times as fast: the server must allow the pings that the client sends.
    monkeypatch.setattr(channels, "OPTIONS", _faster(channels.OPTIONS))
    monkeypatch.setattr(servers, "OPTIONS", _faster(servers.OPTIONS))
    server = Server([orders], host="127.0.0.1", port=0)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", SERVICE)
    await channel.open()
    assert await get(channel, "ord_1") == "ord_1"
    # A ping a second is the fastest that gRPC sends, and the server forgives two.
    await asyncio.sleep(6)
    assert await get(channel, "ord_2") == "ord_2"
    assert len(orders.peers) == 1
    await channel.close()
    await server.stop(0)


def _faster(options: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    pings = {name for name, _ in options if "keepalive_time" in name or "ping_interval" in name}
    # Unlimited, or the client would wait a minute before its third.
    unlimited = ("grpc.http2.max_pings_without_data", 0)
    return (*((name, value // 100 if name in pings else value) for name, value in options), unlimited)


async def test_an_rpc_is_an_ordinary_grpc_method_too(server: Server) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as plain:
        call: Any = plain.unary_unary(f"/{GET}")
        answer = await call(pb.GetOrderRequest(order_id="ord_1").SerializeToString(), timeout=5)
        assert pb.GetOrderResponse.FromString(answer).order.id == "ord_1"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(pb.GetOrderRequest(order_id="absent").SerializeToString(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
