"""Rules of outages: a peer that is back is called again at once, however long it was down; over real servers and a real resolver."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import Unavailable
from kit.rpc import Channel
from kit.rpc import channel as channels
from kit.rpc.tests.replicas import NAME, SERVICE, Names, names, replica
from kit.testing import eventually, free_port

__all__ = ["names"]

# Less than a second on an idle machine. gRPC alone waits for two seconds and more in these tests, later for up to two minutes.
BACK_SECONDS = 1.5


@pytest.fixture(autouse=True)
def failures_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_CONNECT_SECONDS", 0)


class Caller:
    """Calls a peer again and again."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.placed = 0
        self.failed = 0

    async def run(self) -> None:
        while True:
            try:
                await self._channel.call("PlaceOrder", pb.PlaceOrderRequest(), pb.PlaceOrderResponse)
                self.placed += 1
            except Unavailable:
                self.failed += 1
            await asyncio.sleep(0.05)

    async def is_served(self) -> None:
        """Waits for a call that succeeds, at most the time that an outage may last for callers."""
        placed, started = self.placed, time.monotonic()
        await eventually(lambda: self.placed > placed, seconds=10)
        assert time.monotonic() - started < BACK_SECONDS

    async def is_without_peer(self, names: Names | None = None) -> None:
        """Waits until the peer has been down long enough for gRPC's own pauses to grow."""
        failed, looked_up = self.failed, names.requested if names else 0
        await eventually(lambda: self.failed >= failed + 20, seconds=30)
        # The third time; each looks for IPv4 and IPv6.
        await eventually(lambda: names is None or names.requested >= looked_up + 6, seconds=30)


@asynccontextmanager
async def calling(address: str) -> AsyncIterator[Caller]:
    channel = Channel(address, SERVICE)
    await channel.open()
    caller = Caller(channel)
    task = asyncio.create_task(caller.run())
    try:
        yield caller
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await channel.close()


async def test_a_peer_that_is_back_on_its_address_is_called_again_at_once() -> None:
    port = free_port()
    async with calling(f"127.0.0.1:{port}") as caller:
        async with replica("127.0.0.1", port):
            await caller.is_served()
        await caller.is_without_peer()
        async with replica("127.0.0.1", port):
            await caller.is_served()


async def test_a_peer_whose_name_had_no_address_at_first_is_called_at_once(names: Names) -> None:
    port = free_port()
    async with calling(f"{NAME}:{port}") as caller:
        await caller.is_without_peer(names)
        async with replica("127.0.0.1", port):
            names.addresses = ["127.0.0.1"]
            await caller.is_served()


async def test_a_peer_whose_name_lost_its_address_for_a_while_is_called_again_at_once(names: Names) -> None:
    port = free_port()
    names.addresses = ["127.0.0.1"]
    async with calling(f"{NAME}:{port}") as caller:
        async with replica("127.0.0.1", port):
            await caller.is_served()
            names.addresses = []
        await caller.is_without_peer(names)
        async with replica("127.0.0.2", port):
            names.addresses = ["127.0.0.2"]
            await caller.is_served()


async def test_a_peer_that_has_moved_to_another_address_is_called_at_once(names: Names) -> None:
    port = free_port()
    names.addresses = ["127.0.0.1"]
    async with calling(f"{NAME}:{port}") as caller:
        async with replica("127.0.0.1", port):
            await caller.is_served()
        async with replica("127.0.0.2", port):
            names.addresses = ["127.0.0.2"]
            await caller.is_served()


async def test_a_call_waits_for_the_first_address_of_a_name_whatever_it_is(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also PlaceOrder, which is not repeated when it may have been received."""
    monkeypatch.setattr(channels, "_CONNECT_SECONDS", 10)
    port = free_port()
    channel = Channel(f"{NAME}:{port}", SERVICE)
    await channel.open()
    placing = asyncio.create_task(channel.call("PlaceOrder", pb.PlaceOrderRequest(), pb.PlaceOrderResponse))
    await eventually(lambda: names.requested >= 4, seconds=10)
    async with replica("127.0.0.1", port) as (orders, _):
        names.addresses = ["127.0.0.1"]
        await placing
    await channel.close()
    assert orders.placed == 1


async def test_a_ping_finds_a_peer_whose_name_had_no_address(names: Names) -> None:
    port = free_port()
    channel = Channel(f"{NAME}:{port}", SERVICE)
    await channel.open()

    async def is_answered() -> bool:
        try:
            await channel.ping()
        except Unavailable:
            return False
        return True

    async def has_looked_up() -> bool:
        return not await is_answered() and names.requested >= 6

    await eventually(has_looked_up, seconds=30)
    async with replica("127.0.0.1", port):
        names.addresses, started = ["127.0.0.1"], time.monotonic()
        await eventually(is_answered, seconds=10)
        assert time.monotonic() - started < BACK_SECONDS
    await channel.close()
