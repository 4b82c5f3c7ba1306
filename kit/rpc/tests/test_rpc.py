"""Rules of RPCs, over a real grpc.aio server and channel in this process."""

import asyncio
from typing import Any

import grpc
import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.auth import Principal
from kit.errors import (
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
from kit.rpc import Call, Channel, Encoded, Server, current_call
from kit.rpc.tests.orders import ADMIN, SERVICE, USER, OrderRpc, channel, get, orders, raising, server
from kit.telemetry import correlation_id

__all__ = ["channel", "orders", "server"]


async def test_a_call_is_answered(channel: Channel) -> None:
    assert (await get(channel, "ord_7")).order.id == "ord_7"


async def test_an_encoded_response_is_sent_as_it_is(channel: Channel, orders: OrderRpc) -> None:
    async def encoded(request: pb.GetOrderRequest, call: Call) -> Encoded:
        return Encoded((await orders.echo(request, call)).SerializeToString())

    orders.answer = encoded

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
