"""Replicas of an order service on addresses of their own, and a name server that knows them."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.rpc import Call, Server
from kit.rpc import channel as channels
from kit.testing.contracts import UnimplementedServicer

SERVICE = pb.DESCRIPTOR.services_by_name["OrderService"]
NAME = "orders.test"


class OrderRpc(UnimplementedServicer):
    """A replica that takes a moment for each order."""

    service = SERVICE

    def __init__(self) -> None:
        self.peers: set[str] = set()
        self.placed = 0

    async def place_order(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        self.peers.add(call.peer)
        await asyncio.sleep(0.05)
        self.placed += 1
        return pb.PlaceOrderResponse()


class Names(asyncio.DatagramProtocol):
    """A name server that knows one name, and its addresses of the moment."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.requested = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, sender: Any) -> None:
        """Answers A with the addresses, anything else with none (RFC 1035, 4.1)."""
        self.requested += 1
        question = data[12 : data.index(b"\0", 12) + 5]
        result = self.addresses if question[-4:-2] == b"\0\1" else []
        answers = [struct.pack("!HHHLH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(item) for item in result]
        header = data[:2] + struct.pack("!HHHHH", 0x8180, 1, len(answers), 0, 0)
        self._transport.sendto(header + question + b"".join(answers), sender)

    async def look_up(self, host: str, port: str, **_: Any) -> list[tuple[Any, ...]]:
        """What getaddrinfo would say."""
        assert host == NAME
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NODATA, "no address")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (item, int(port))) for item in self.addresses]


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Names]:
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    monkeypatch.setattr(channels, "TARGET", f"dns://127.0.0.1:{port}/{{}}")
    monkeypatch.setattr(loop, "getaddrinfo", names.look_up)
    yield names
    transport.close()


@asynccontextmanager
async def replica(host: str, port: int = 0) -> AsyncIterator[tuple[OrderRpc, Server]]:
    orders = OrderRpc()
    server = Server([orders], host=host, port=port)
    await server.start()
    await server.set_serving()
    try:
        yield orders, server
    finally:
        await server.stop(5)
