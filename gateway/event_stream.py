"""GraphQL over Server-Sent Events: one operation a request, for those who listen without a socket (`curl -N`).

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, "distinct connections mode": a POST to /graphql that accepts
text/event-stream is answered by an event `next` for each answer, whatever is wrong with the document, and `complete` after the last.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing, nullcontext, suppress
from typing import Any, Final

import orjson
from litestar.types import Send

from gateway.accepting import EVENTS
from gateway.execution import Answer
from gateway.listeners import SEND_SECONDS, GoingAway, Listeners
from kit.auth import Principal
from kit.errors import SoukError

# Proxies end what is silent for long, mostly after a minute.
_KEEP_ALIVE_SECONDS: Final = 15.0
_NOTHING: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"
# nginx would keep events back until its buffer is full.
_HEADERS: Final = {"Content-Type": EVENTS, "X-Accel-Buffering": "no"}


class EventStream:
    """The answers to an operation as they come, until there are no more, the client leaves or may not listen any longer."""

    def __init__(
        self,
        answers: AsyncGenerator[Answer],
        extensions: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        left: Callable[[], Coroutine[Any, Any, None]],
        listeners: Listeners,
        listener: Principal | None,
    ) -> None:
        """`left` waits until the client has left; the `listener` is who listens for longer than a request may take."""
        self._answers = answers
        self._extensions = extensions
        self._headers = {**headers, **_HEADERS}
        self._left = left
        self._listeners = listeners
        self._listener = listener

    async def send(self, send: Send) -> None:
        """As ASGI has it."""
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with suppress(TimeoutError):
            async with aclosing(self._answers), aclosing(self._events()) as events:
                async for event in events:
                    async with asyncio.timeout(SEND_SECONDS):
                        await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _events(self) -> AsyncGenerator[bytes]:
        left = asyncio.ensure_future(self._left())
        ends: set[asyncio.Future[Any]] = {left}
        try:
            with self._listeners.one_more(self._listener) if self._listener else nullcontext():
                if self._listener:
                    ends.add(asyncio.ensure_future(self._listeners.ended(self._listener)))
                async with aclosing(self._told(ends)) as told:
                    async for event in told:
                        yield event
        except GoingAway:
            # Without `complete`, so that the client asks again, and another replica.
            return
        except SoukError as error:
            yield self._next(Answer.no(error))
        finally:
            for end in ends:
                end.cancel()
        yield _COMPLETE

    async def _told(self, ends: set[asyncio.Future[Any]]) -> AsyncGenerator[bytes]:
        """Until the answers end or one of the ends has come; raises what the latter says."""
        answer = asyncio.ensure_future(anext(self._answers, None))
        try:
            while True:
                done, _ = await asyncio.wait(
                    {answer, *ends}, timeout=_KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                for end in done & ends:
                    if (why := end.result()) is not None:
                        raise why
                    return
                if answer in done:
                    if (found := answer.result()) is None:
                        return
                    yield self._next(found)
                    answer = asyncio.ensure_future(anext(self._answers, None))
                else:
                    yield _NOTHING
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)

    def _next(self, answer: Answer) -> bytes:
        return b"event: next\ndata: " + orjson.dumps(answer.body(self._extensions), default=str) + b"\n\n"
