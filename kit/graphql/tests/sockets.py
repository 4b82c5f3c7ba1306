"""WebSocket clients over ASGI."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kit.graphql.socket_protocol import PROTOCOL


class Socket:
    """A client's socket."""

    def __init__(self, app: Any, headers: dict[str, str], protocols: list[str]) -> None:
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "root_path": "",
            "query_string": b"",
            "headers": [
                (name.encode(), value.encode()) for name, value in {"host": "library.test", **headers}.items()
            ],
            "client": ("192.0.2.7", 1234),
            "server": ("library.test", 80),
            "subprotocols": protocols,
            "state": {},
        }
        self._in.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(scope, self._in.get, self._out.put))

    def send(self, **message: Any) -> None:
        self.send_text(json.dumps(message))

    def send_text(self, text: str) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def raw(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._out.get(), 5)

    async def receive(self) -> dict[str, Any]:
        sent = await self.raw()
        assert sent["type"] == "websocket.send", sent
        message: dict[str, Any] = json.loads(sent["text"])
        return message

    async def closed(self) -> int:
        sent = await self.raw()
        assert sent["type"] == "websocket.close", sent
        return int(sent["code"])

    def silent(self) -> bool:
        return self._out.empty()


@asynccontextmanager
async def connected(
    app: Any, *, origin: str = "", protocols: tuple[str, ...] = (PROTOCOL,)
) -> AsyncIterator[Socket]:
    """A socket that has not authenticated."""
    socket = Socket(app, {"origin": origin} if origin else {}, list(protocols))
    yield socket
    socket.leave()
    await asyncio.wait_for(socket.task, 5)


@asynccontextmanager
async def signed_in(app: Any, token: str) -> AsyncIterator[Socket]:
    """A socket that has authenticated with this token."""
    async with connected(app) as socket:
        assert (await socket.raw())["type"] == "websocket.accept"
        socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await socket.receive() == {"type": "connection_ack"}
        yield socket
