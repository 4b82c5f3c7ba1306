"""A POST of a body that does not arrive as its Content-Length says: no HTTP client sends that."""

import asyncio
from collections.abc import Sequence
from typing import Any


async def post_raw(app: Any, arrives: Sequence[dict[str, Any]], length: int) -> list[dict[str, Any]]:
    """What the application sends when these ASGI messages arrive, and then nothing more."""
    arriving, sent = list(arrives), []

    async def receive() -> Any:
        if not arriving:
            await asyncio.Event().wait()
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
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
        "headers": headers,
        "client": ("192.0.2.7", 1234),
        "server": ("souk.test", 80),
        "state": {},
    }
    await asyncio.wait_for(app(scope, receive, send), 5)
    return sent
