"""GraphQL over Server-Sent Events: one operation per request, for clients without WebSocket (`curl -N`).

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, "distinct connections mode": a request that accepts text/event-stream gets
an event `next` for each result, even if the document is invalid, and `complete` after the last.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing, nullcontext, suppress
from typing import Any, Final

import orjson
from litestar.types import Send

from kit.errors import SoukError
from kit.graphql.connections import SEND_SECONDS, ClientConnection, ShuttingDown
from kit.graphql.content_negotiation import EVENTS
from kit.graphql.messages import encode_headers
from kit.graphql.results import OperationResult

# Proxies close a connection that is silent for long, typically after a minute.
_KEEPALIVE_SECONDS: Final = 15.0
_KEEPALIVE_COMMENT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"
# Without it, nginx buffers events.
_HEADERS: Final = {"Content-Type": EVENTS, "X-Accel-Buffering": "no"}


class EventStream:
    """Sends results as they come until there are no more, the client disconnects or its token is revoked."""

    def __init__(
        self,
        results: AsyncGenerator[OperationResult],
        extensions: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        disconnect: Callable[[], Coroutine[Any, Any, None]],
        connection: ClientConnection | None,
    ) -> None:
        """`disconnect` waits until the client is gone. `connection` is None for a query, which ends with the request deadline."""
        self._results = results
        self._extensions = extensions
        self._headers = {**headers, **_HEADERS}
        self._disconnect = disconnect
        self._connection = connection

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Sends the whole response; `head`: nothing is executed."""
        headers = encode_headers(self._headers)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if head:
            await self._results.aclose()
        else:
            await self._send_events(send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_events(self, send: Send) -> None:
        with suppress(TimeoutError):
            async with aclosing(self._results), aclosing(self._events()) as events:
                async for event in events:
                    async with asyncio.timeout(SEND_SECONDS):
                        await send({"type": "http.response.body", "body": event, "more_body": True})

    async def _events(self) -> AsyncGenerator[bytes]:
        stops: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._disconnect())}
        try:
            with self._connection.track() if self._connection else nullcontext():
                if self._connection:
                    stops.add(asyncio.ensure_future(self._connection.wait_until_revoked()))
                async with aclosing(self._results_until(stops)) as events:
                    async for event in events:
                        yield event
        except ShuttingDown:
            # Without `complete`, so that the client reconnects, to another replica.
            return
        except SoukError as error:
            yield self._next(OperationResult.from_error(error))
        finally:
            for stop in stops:
                stop.cancel()
        yield _COMPLETE

    async def _results_until(self, stops: set[asyncio.Future[Any]]) -> AsyncGenerator[bytes]:
        """Yields results until there are no more or one of `stops` completes; raises the error that a stop returns."""
        pending = asyncio.ensure_future(anext(self._results, None))
        try:
            while True:
                done, _ = await asyncio.wait(
                    {pending, *stops}, timeout=_KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                for stop in done & stops:
                    if (reason := stop.result()) is not None:
                        raise reason
                    return
                if pending not in done:
                    yield _KEEPALIVE_COMMENT
                elif (result := pending.result()) is None:
                    return
                else:
                    yield self._next(result)
                    pending = asyncio.ensure_future(anext(self._results, None))
        finally:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)

    def _next(self, result: OperationResult) -> bytes:
        return b"event: next\ndata: " + orjson.dumps(result.body(self._extensions), default=str) + b"\n\n"
