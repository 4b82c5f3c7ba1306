"""Rules of the streams that calls share, over a real grpc.aio server in this process."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from souk.order.v1 import order_service_pb2 as pb
from souk.rpc.v1 import call_service_pb2

from kit.errors import DeadlineExceeded, InvalidArgument, NotFound, ResourceExhausted
from kit.errors.transport import grpc_code
from kit.rpc import Channel, Server
from kit.rpc.status import decode
from kit.rpc.tests.orders import channel
from kit.rpc.tests.streamed import GET, OrderRpc, exchange, get, orders, server
from kit.testing import eventually
from kit.values import deadline

__all__ = ["channel", "exchange", "orders", "server"]


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


async def test_an_rpc_is_an_ordinary_grpc_method_too(server: Server) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as plain:
        call: Any = plain.unary_unary(f"/{GET}")
        answer = await call(pb.GetOrderRequest(order_id="ord_1").SerializeToString(), timeout=5)
        assert pb.GetOrderResponse.FromString(answer).order.id == "ord_1"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(pb.GetOrderRequest(order_id="absent").SerializeToString(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
