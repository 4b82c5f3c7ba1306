"""Sends frames over a stream: one message at a time, each with all frames that are ready by then."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import grpc

from kit.telemetry import get_logger

log = get_logger("kit.rpc")

F = TypeVar("F")

# A message takes frames until it is this long, so that a long one holds up few others.
_MESSAGE_BYTES = 256 * 1024


class Sender(Generic[F]):
    """Writes frames in the order they were put; nobody waits for company.

    `write(frames)` sends one message, `end()` tells the other side that no more follow. A stream that breaks is for its
    reader to notice: what could not be written is dropped.
    """

    def __init__(
        self, write: Callable[[Sequence[F]], Awaitable[None]], end: Callable[[], Awaitable[None]]
    ) -> None:
        self._write = write
        self._end = end
        self._ready: dict[int, tuple[F, int]] = {}
        self._ending = False
        self._sending: asyncio.Task[None] | None = None

    def put(self, key: int, frame: F, size: int) -> None:
        """Has a frame of about `size` bytes sent."""
        self._ready[key] = frame, size
        self._start()

    def take_back(self, key: int) -> bool:
        """Whether the frame had not been sent; then it will not be."""
        return self._ready.pop(key, None) is not None

    def end(self) -> None:
        """Ends this side once everything is sent."""
        self._ending = True
        self._start()

    async def sent(self) -> None:
        """Returns when nothing is left to send."""
        if self._sending is not None:
            await self._sending

    def _start(self) -> None:
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._ready:
                await self._write(self._next())
            if self._ending:
                await self._end()
        except (grpc.RpcError, grpc.aio.UsageError, asyncio.InvalidStateError) as error:
            self._ready.clear()
            log.debug("rpc.stream_broke", error=type(error).__name__)
        finally:
            # Here, not when the task is seen to have ended: who puts in between must find nobody sending.
            self._sending = None

    def _next(self) -> list[F]:
        frames: list[F] = []
        length = 0
        for key in list(self._ready):
            frame, size = self._ready[key]
            length += size
            if frames and length > _MESSAGE_BYTES:
                break
            frames.append(frame)
            del self._ready[key]
        return frames
