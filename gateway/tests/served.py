"""The gateway's application on a port of its own, and WebSocket frames written by hand: what no well-behaved client would send."""

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from uvicorn.server import Server

from kit.graphql.socket_protocol import PROTOCOL
from kit.testing import eventually, free_port
from kit.web.connections import server_config

TEXT, CONTINUED, BINARY, CLOSE, PING, PONG = 1, 0, 2, 8, 9, 10


class _Quiet(Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, **options: Any) -> AsyncIterator[int]:
    """Answers the port; ends the server as a service does."""
    port = free_port()
    config = server_config(app, "127.0.0.1", port, **options)
    config.timeout_graceful_shutdown = 5
    server = _Quiet(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield port
    server.should_exit = True
    await asyncio.wait_for(task, 20)


def frame(
    kind: int, payload: bytes = b"", *, fin: bool = True, announced: int | None = None, flags: int = 0
) -> bytes:
    """A client's frame, masked with zeros; `announced` is the length that its head says."""
    size = len(payload) if announced is None else announced
    head = bytes([(0x80 if fin else 0) | flags | kind])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


class RawSocket:
    """A TCP connection that speaks WebSocket as it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        self.reader, self.writer, self.head = reader, writer, head

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def say(self, **message: Any) -> None:
        self.send(frame(TEXT, json.dumps(message).encode()))

    async def receive(self) -> tuple[int, bytes]:
        """The next frame; raises IncompleteReadError once the connection has ended."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 15, await self.reader.readexactly(size)

    async def message(self) -> dict[str, Any]:
        """The next text, pings left out."""
        while True:
            kind, payload = await self.receive()
            if kind == TEXT:
                said: dict[str, Any] = json.loads(payload)
                return said
            assert kind == PING, (kind, payload)

    async def closed(self) -> int:
        """The code of the close frame; 0 for a connection that ended without one."""
        try:
            while True:
                kind, payload = await self.receive()
                if kind == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0

    async def ended(self) -> None:
        """Waits until the server has ended the TCP connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    async def sign_in(self, token: str) -> None:
        self.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await self.message() == {"type": "connection_ack"}


async def dial(
    port: int, *, address: str = "192.0.2.1", compressed: bool = False, small: bool = False
) -> RawSocket:
    """Shakes hands; the address is what a trusted proxy would say. A `small` one has next to no room for what it does not read."""
    plain = socket.socket()
    plain.setblocking(False)
    if small:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=plain)
    extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if compressed else ""
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /graphql HTTP/1.1\r\nHost: souk.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n"
        f"X-Forwarded-For: {address}\r\n{extension}\r\n".encode()
    )
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode()
    return RawSocket(reader, writer, head)
