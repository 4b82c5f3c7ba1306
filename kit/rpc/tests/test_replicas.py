"""Rules of a peer with several replicas: connections that age, replicas that are added and go; over real servers and a real resolver."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from souk.account.v1 import account_service_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.rpc import Call, Channel, stream_pool
from kit.rpc import channel as channels
from kit.rpc import server as servers
from kit.rpc import stream as streams
from kit.rpc.config import MethodConfig, method_configs
from kit.rpc.tests.replicas import NAME, SERVICE, Names, names, replica
from kit.testing import eventually

__all__ = ["names"]

CALLERS = 8
AS_SERVED: dict[str, int] = {name: value for name, value in servers.OPTIONS if isinstance(value, int)}
RENEWED = streams._RENEW_SECONDS


@pytest.fixture(autouse=True)
def everything_happens_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same options, fifty times as fast; and no call is tried again, so that none that fails goes unseen."""
    hasty = {
        name for name, _ in (*channels.OPTIONS, *servers.OPTIONS) if "_age_" in name or "resolutions" in name
    }
    assert len(hasty) == 3
    for module in (channels, servers):
        options = [(name, value // 50 if name in hasty else value) for name, value in module.OPTIONS]
        monkeypatch.setattr(module, "OPTIONS", options)
    once = {method.name: MethodConfig() for method in SERVICE.methods}
    monkeypatch.setattr(channels, "method_configs", lambda _: once)
    monkeypatch.setattr(streams, "_RENEW_SECONDS", streams._RENEW_SECONDS / 50)
    monkeypatch.setattr(stream_pool, "_LOOKUP_SECONDS", stream_pool._LOOKUP_SECONDS / 50)


@asynccontextmanager
async def orders_are_placed(address: str) -> AsyncIterator[Counter[str]]:
    """Callers that never rest; yields how their calls ended. PlaceOrder is never sent again by itself."""
    outcomes: Counter[str] = Counter()
    channel = Channel(address, SERVICE)
    await channel.open()
    going_on = True

    async def caller() -> None:
        while going_on:
            try:
                await channel.call("PlaceOrder", pb.PlaceOrderRequest(), pb.PlaceOrderResponse)
                outcomes["placed"] += 1
            except Exception as error:
                outcomes[repr(error)] += 1
                await asyncio.sleep(0.05)

    callers = [asyncio.create_task(caller()) for _ in range(CALLERS)]
    try:
        yield outcomes
    finally:
        going_on = False
        await asyncio.gather(*callers)
        await channel.close()


async def test_no_call_fails_when_connections_age_out() -> None:
    async with (
        replica("127.0.0.1") as (orders, server),
        orders_are_placed(f"127.0.0.1:{server.port}") as outcomes,
    ):
        await eventually(lambda: len(orders.peers) >= 4, seconds=30)
    assert outcomes.keys() == {"placed"}
    assert outcomes["placed"] == orders.placed


async def test_no_call_of_other_clients_fails_when_connections_age_out() -> None:
    async with (
        replica("127.0.0.1") as (orders, server),
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as plain,
    ):
        place: Any = plain.unary_unary(f"/{SERVICE.full_name}/PlaceOrder")
        async with asyncio.timeout(30):
            while len(orders.peers) < 3:
                await asyncio.gather(*(place(b"", timeout=5) for _ in range(CALLERS)))


async def test_a_call_longer_than_a_connections_age_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    age = dict(servers.OPTIONS)["grpc.max_connection_age_ms"] / 1000
    async with replica("127.0.0.1") as (orders, server):

        async def slowly(request: Any, call: Call) -> pb.PlaceOrderResponse:
            await asyncio.sleep(age * 1.3)
            return pb.PlaceOrderResponse()

        monkeypatch.setattr(orders, "place_order", slowly)
        async with orders_are_placed(f"127.0.0.1:{server.port}") as outcomes:
            await eventually(lambda: outcomes["placed"] >= CALLERS)
    assert outcomes.keys() == {"placed"}


def test_a_connection_outlives_its_streams_and_their_longest_calls() -> None:
    services = [SERVICE, account_service_pb2.DESCRIPTOR.services_by_name["AccountService"]]
    longest = max(method.timeout for service in services for method in method_configs(service).values())
    assert AS_SERVED["grpc.max_connection_age_grace_ms"] / 1000 > RENEWED + longest


async def test_calls_go_to_all_replicas_and_to_one_that_is_added_while_none_ends(names: Names) -> None:
    async with AsyncExitStack() as stack:
        first, server = await stack.enter_async_context(replica("127.0.0.1"))
        second, _ = await stack.enter_async_context(replica("127.0.0.2", server.port))
        names.addresses = ["127.0.0.1", "127.0.0.2"]
        async with orders_are_placed(f"{NAME}:{server.port}") as outcomes:
            await eventually(lambda: first.placed > 20 and second.placed > 20)
            third, _ = await stack.enter_async_context(replica("127.0.0.3", server.port))
            names.addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
            await eventually(lambda: third.placed > 20, seconds=20)
        assert outcomes.keys() == {"placed"}


async def test_a_replica_that_is_taken_away_is_called_no_more(names: Names) -> None:
    async with AsyncExitStack() as stack:
        staying, server = await stack.enter_async_context(replica("127.0.0.1"))
        going, stopped = await stack.enter_async_context(replica("127.0.0.2", server.port))
        names.addresses = ["127.0.0.1", "127.0.0.2"]
        async with orders_are_placed(f"{NAME}:{server.port}") as outcomes:
            await eventually(lambda: staying.placed > 20 and going.placed > 20)
            names.addresses = ["127.0.0.1"]
            await stopped.stop(5)
            placed, last = staying.placed, going.placed
            await eventually(lambda: staying.placed > placed + 100)
        assert going.placed == last
        assert outcomes.keys() == {"placed"}


async def test_calls_go_to_all_addresses_and_to_those_that_are_left() -> None:
    async with replica("127.0.0.1") as (staying, first), AsyncExitStack() as stack:
        going, second = await stack.enter_async_context(replica("127.0.0.1"))
        async with orders_are_placed(f"127.0.0.1:{first.port},127.0.0.1:{second.port}") as outcomes:
            await eventually(lambda: staying.placed > 20 and going.placed > 20)
            await stack.aclose()
            placed = staying.placed
            await eventually(lambda: staying.placed > placed + 100)
        assert outcomes.keys() == {"placed"}
