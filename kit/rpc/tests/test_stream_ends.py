"""How streams that calls share end, are renewed and are found again."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from souk.order.v1 import order_service_pb2 as pb
from souk.rpc.v1 import call_service_pb2

from kit.errors import Unavailable
from kit.rpc import Channel, Server
from kit.rpc import channel as channels
from kit.rpc import server as servers
from kit.rpc import stream as streams
from kit.rpc.tests.orders import SERVICE, channel
from kit.rpc.tests.streamed import OrderRpc, exchange, get, orders, server
from kit.testing import eventually

__all__ = ["channel", "exchange", "orders", "server"]


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
    # Time itself is the subject: gRPC pings once a second at most, a server forgives two pings, and neither shows them.
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
