"""Sends frames over a stream, one message at a time; each message takes all frames that are ready."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import grpc

from kit.telemetry import get_logger

log = get_logger("kit.rpc")

F = TypeVar("F")

# Maximum size of a message with several frames, so that a long message delays few others.
_MESSAGE_BYTES = 256 * 1024


class CoalescingWriter(Generic[F]):
    """Writes frames in order and immediately; frames that arrive during a write share the next message.

    `write(frames)` sends one message; `end()` ends our side of the stream. When the stream breaks, unsent frames are dropped: the reader of
    the stream handles the failure.
    """

    def __init__(
        self, write: Callable[[Sequence[F]], Awaitable[None]], end: Callable[[], Awaitable[None]]
    ) -> None:
        self._write = write
        self._end = end
        self._queued: dict[int, tuple[F, int]] = {}
        self._ending = False
        self._send_task: asyncio.Task[None] | None = None

    def put(self, key: int, frame: F, size: int) -> None:
        """Queues a frame of about `size` bytes."""
        self._queued[key] = frame, size
        self._start()

    def withdraw(self, key: int) -> bool:
        """Removes a frame that has not been sent; returns whether it was still queued."""
        return self._queued.pop(key, None) is not None

    def end(self) -> None:
        """Ends our side once everything is sent."""
        self._ending = True
        self._start()

    async def flush(self) -> None:
        """Waits until everything is sent."""
        if self._send_task is not None:
            await self._send_task

    def _start(self) -> None:
        if self._send_task is None:
            self._send_task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._queued:
                await self._write(self._next())
            if self._ending:
                await self._end()
        except (grpc.RpcError, grpc.aio.UsageError, asyncio.InvalidStateError) as error:
            self._queued.clear()
            log.debug("rpc.stream_closed", error=type(error).__name__)
        finally:
            # Reset before the task ends, so that a frame put after this starts a new send.
            self._send_task = None

    def _next(self) -> list[F]:
        frames: list[F] = []
        length = 0
        for key in list(self._queued):
            frame, size = self._queued[key]
            length += size
            if frames and length > _MESSAGE_BYTES:
                break
            frames.append(frame)
            del self._queued[key]
        return frames
