"""One connection to Redis that many requests share: what is asked in the same moment goes out together. A whole client costs far more.

Not here: pools, retries, scripts that are gone; whoever asks decides what a failure means.
"""

import asyncio
import time
from collections import deque
from typing import Any, Final

import hiredis
from redis.asyncio.connection import parse_url

_CONNECT_SECONDS: Final = 0.25
_ANSWER_SECONDS: Final = 0.1
# While Redis is down nobody waits for it: it is tried again this often.
_PAUSE_SECONDS: Final = 1.0


class RedisLine(asyncio.Protocol):
    """Commands in, answers in their order out."""

    def __init__(self, url: str) -> None:
        self._at: dict[str, Any] = dict(parse_url(url))
        self._transport: asyncio.Transport | None = None
        self._ready = False
        self._looking = False
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._unsent: list[bytes] = []
        self._connecting: asyncio.Task[None] | None = None
        self._again = 0.0

    async def ask(self, *words: str | bytes | int) -> Any:
        """One command's answer. Raises OSError when Redis is away or silent, hiredis.ReplyError when it refuses."""
        if not self._ready:
            await self._connect()
        answer = await self._sent(words)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Hangs up."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Of asyncio.Protocol."""
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio.Protocol."""
        self._ready, self._transport = False, None
        self._again = time.monotonic() + _PAUSE_SECONDS
        self._fail(ConnectionResetError("Redis hung up"))

    def _sent(self, words: tuple[str | bytes | int, ...]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if not self._looking:
            self._looking = True
            loop.call_later(_ANSWER_SECONDS, self._look)
        self._waiting.append((loop.time(), future))
        if not self._unsent:
            loop.call_soon(self._flush)
        # Its types allow one word.
        self._unsent.append(hiredis.pack_command(words))  # type: ignore[arg-type]
        return future

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None:
            self._transport.write(b"".join(unsent))

    def _look(self) -> None:
        """Hangs up on a Redis that says nothing: one timer for everybody who waits."""
        self._looking = bool(self._waiting)
        if not self._waiting:
            return
        loop = asyncio.get_running_loop()
        late = self._waiting[0][0] + _ANSWER_SECONDS - loop.time()
        if late > 0:
            loop.call_later(late, self._look)
            return
        self._looking = False
        self._fail(TimeoutError("Redis does not answer"))
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, error: OSError) -> None:
        waiting, self._waiting, self._unsent = self._waiting, deque(), []
        for _, future in waiting:
            if not future.done():
                future.set_exception(error)

    async def _connect(self) -> None:
        if time.monotonic() < self._again:
            raise ConnectionRefusedError("Redis is away")
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._dial())
            self._connecting.add_done_callback(self._dialled)
        await asyncio.shield(self._connecting)

    def _dialled(self, task: asyncio.Task[None]) -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        at = self._at
        self._reader = hiredis.Reader()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                if path := at.get("path"):
                    transport, _ = await loop.create_unix_connection(lambda: self, path)
                else:
                    host, port = at.get("host", "127.0.0.1"), at.get("port", 6379)
                    tls = at.get("connection_class") is not None or None
                    transport, _ = await loop.create_connection(lambda: self, host, port, ssl=tls)
                self._transport = transport
                # Whoever asks meanwhile waits for the greeting's end.
                for words in self._greeting():
                    answer = await self._sent(words)
                    if isinstance(answer, Exception):
                        raise ConnectionRefusedError(str(answer))
                self._ready = True
        except OSError:
            self._again = time.monotonic() + _PAUSE_SECONDS
            if self._transport is not None:
                self._transport.abort()
                self._transport = None
            raise

    def _greeting(self) -> list[tuple[str, ...]]:
        greeting: list[tuple[str, ...]] = []
        if password := self._at.get("password"):
            user = self._at.get("username")
            greeting.append(("AUTH", user, password) if user else ("AUTH", password))
        if number := self._at.get("db"):
            greeting.append(("SELECT", str(number)))
        return greeting
