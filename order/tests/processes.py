"""Replicas of the service as child processes that tests kill, and the key server that verifies their callers."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import orjson

from kit.auth import Principal, Role
from kit.auth.keys import SigningKeys
from kit.auth.tokens import TokenIssuer
from kit.errors import SoukError
from kit.rpc import Channel
from kit.testing import ChildProcess, eventually, free_port
from order.rpc import CartServiceRpc, OrderServiceRpc

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
)


class Keys:
    """Signs tokens and serves the keys that verify them."""

    def __init__(self, folder: Path) -> None:
        self._keys = SigningKeys.generate(folder / "keys.json")
        self._server: asyncio.Server | None = None
        self.url = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._respond, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/jwks.json"

    async def close(self) -> None:
        assert self._server
        self._server.close()

    def customer(self) -> Principal:
        """A customer with a valid token."""
        account_id, session_id = uuid4(), uuid4()
        token, _ = TokenIssuer(self._keys).access_token(account_id, Role.USER, session_id)
        return Principal(account_id, Role.USER, session_id, token)

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = orjson.dumps({"keys": self._keys.public()})
        writer.write(_HEAD % len(body) + body)
        await writer.drain()
        writer.close()


class Proxy:
    """A proxy before PostgreSQL: once a connection has sent `trigger`, its responses are dropped.

    PostgreSQL executes the statement, and the service never learns of it.
    """

    def __init__(self, port: int, trigger: bytes = b"") -> None:
        self._to = port
        self.trigger = trigger
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._to)
        muted = False

        def forward_request(data: bytes) -> bool:
            nonlocal muted
            muted = muted or (bool(self.trigger) and self.trigger in data)
            return True

        for task in (
            asyncio.create_task(_pass(reader, server_writer, forward_request)),
            asyncio.create_task(_pass(server_reader, writer, lambda _: not muted)),
        ):
            self._tasks.add(task)


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, forwards: Callable[[bytes], bool]
) -> None:
    try:
        while data := await reader.read(65_536):
            if forwards(data):
                writer.write(data)
                await writer.drain()
    except ConnectionError:
        pass  # the test kills one end
    finally:
        writer.close()


class Replica:
    """One process of the service, without Kafka, which RPCs do not need."""

    def __init__(
        self, folder: Path, *, database_url: str, catalog_port: int, jwks_url: str, pending_seconds: int
    ) -> None:
        self._grpc_port = free_port()
        self._log = folder / f"order-{self._grpc_port}.log"
        environment = {
            "PROFILE": "development",
            "HTTP_PORT": str(free_port()),
            "GRPC_PORT": str(self._grpc_port),
            "DATABASE_URL": database_url,
            "CATALOG_ADDRESS": f"127.0.0.1:{catalog_port}",
            "KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
            "JWKS_URL": jwks_url,
            "PENDING_SECONDS": str(pending_seconds),
            "SWEEP_SECONDS": "0.2",
            "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),
        }
        flags = ["-S"] if sys.flags.no_site else []
        argv = [sys.executable, *flags, "-m", "order"]
        self._process = ChildProcess("order", argv, log=self._log, env=environment)
        self.channel = Channel(f"127.0.0.1:{self._grpc_port}", OrderServiceRpc.service)
        self.carts = Channel(f"127.0.0.1:{self._grpc_port}", CartServiceRpc.service)

    async def ready(self) -> "Replica":
        """Waits until it serves."""
        await self.channel.open()
        await self.carts.open()

        async def serves() -> bool:
            assert self._process.status is None, self._process.tail()
            try:
                await self.channel.ping()
            except SoukError:
                return False
            return True

        await eventually(serves, seconds=30)
        return self

    async def kill(self) -> None:
        """kill -9."""
        await asyncio.to_thread(self._process.kill)

    async def close(self) -> None:
        """Kills the process if it still runs."""
        await self.channel.close()
        await self.carts.close()
        await self.kill()
