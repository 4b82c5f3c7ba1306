"""Deadlines and retries of RPCs."""

import asyncio
import time

import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import (
    DeadlineExceeded,
    NotFound,
    Unavailable,
)
from kit.rpc import Call, Channel
from kit.rpc.tests.orders import OrderRpc, channel, get, orders, raising, server
from kit.values import deadline, remaining

__all__ = ["channel", "orders", "server"]


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
