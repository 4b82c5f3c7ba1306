"""Clients of event streams, speaking ASGI."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.tests.listening import SUBSCRIBE, USER, Listening
from kit.auth import Principal


class Stream:
    """One request, speaking ASGI."""

    def __init__(self, app: Any, body: Any, headers: dict[str, str]) -> None:
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        headers = {"content-type": "application/json", "accept": "text/event-stream", **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.7", 1234),
            "server": ("souk.test", 80),
            "state": {},
        }
        self._in.put_nowait({"type": "http.request", "body": json.dumps(body).encode(), "more_body": False})
        self.reads = asyncio.Event()
        self.reads.set()
        self.task = asyncio.create_task(app(scope, self._in.get, self._put))

    async def _put(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        self._out.put_nowait(message)

    def leave(self) -> None:
        self._in.put_nowait({"type": "http.disconnect"})

    async def raw(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._out.get(), 5)

    async def begins(self) -> tuple[int, dict[str, str]]:
        started = await self.raw()
        return started["status"], {name.decode(): value.decode() for name, value in started["headers"]}

    async def text(self) -> str:
        """What comes next, as it is sent; nothing once the answer has ended."""
        sent = await self.raw()
        assert sent["type"] == "http.response.body"
        return str(sent["body"].decode())

    async def next(self) -> dict[str, Any]:
        event = await self.text()
        name, data, *rest = event.split("\n")
        assert (name, data[:6], rest) == ("event: next", "data: ", ["", ""])
        answer: dict[str, Any] = json.loads(data[6:])
        return answer

    async def code(self) -> str:
        """Of the error that comes next."""
        [error] = (await self.next())["errors"]
        return str(error["extensions"]["code"])

    async def completes(self) -> None:
        assert await self.text() == "event: complete\ndata:\n\n"
        assert await self.text() == ""
        await asyncio.wait_for(self.task, 5)


class World(Listening):
    """With clients of event streams."""

    @asynccontextmanager
    async def asks(
        self, query: str, app: Any = None, who: Principal | None = USER, **headers: str
    ) -> AsyncIterator[Stream]:
        if who is not None:
            headers["authorization"] = f"Bearer {self.tokens.token(who).token}"
        body = {"query": query, "variables": {"id": self.order_id} if "$id" in query else None}
        stream = Stream(app or self.app(), body, headers)
        yield stream
        stream.leave()
        await asyncio.wait_for(stream.task, 5)

    @asynccontextmanager
    async def listens(self, app: Any = None) -> AsyncIterator[Stream]:
        """Has heard of the order as it is now."""
        async with self.asks(SUBSCRIBE, app) as stream:
            status, headers = await stream.begins()
            assert (status, headers["content-type"]) == (200, "text/event-stream")
            assert (await stream.next())["data"]["orderUpdated"]["version"] == 1
            yield stream
