"""Clients of event streams over ASGI."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Stream:
    """A request and its events."""

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
            "server": ("library.test", 80),
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

    async def started(self) -> tuple[int, dict[str, str]]:
        start = await self.raw()
        return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}

    async def text(self) -> str:
        """The next chunk; empty once the response has ended."""
        sent = await self.raw()
        assert sent["type"] == "http.response.body"
        return str(sent["body"].decode())

    async def next(self) -> dict[str, Any]:
        event = await self.text()
        name, data, *rest = event.split("\n")
        assert (name, data[:6], rest) == ("event: next", "data: ", ["", ""])
        result: dict[str, Any] = json.loads(data[6:])
        return result

    async def code(self) -> str:
        """The code of the next error."""
        [error] = (await self.next())["errors"]
        return str(error["extensions"]["code"])

    async def completes(self) -> None:
        assert await self.text() == "event: complete\ndata:\n\n"
        assert await self.text() == ""
        await asyncio.wait_for(self.task, 5)


@asynccontextmanager
async def requested(
    app: Any, query: str, *, variables: Any = None, token: str | None = None
) -> AsyncIterator[Stream]:
    """A request for an event stream."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    stream = Stream(app, {"query": query, "variables": variables}, headers)
    yield stream
    stream.leave()
    await asyncio.wait_for(stream.task, 5)
