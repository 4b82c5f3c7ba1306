"""Every background loop runs under one of these: what escapes it is logged and counted, and the loop is started again with back-off.

A loop that cannot be started again ends the process, because a service without it looks healthy and does half of its work.
Not here: tasks that belong to one call or one connection, which end with it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable

from kit.telemetry import get_logger
from kit.work.backoff import Backoff
from kit.work.metrics import TASK_FAILURES

log = get_logger(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_MAX_PAUSE_SECONDS = 30.0
# A loop that ran for this long had recovered.
_RECOVERED_SECONDS = 60.0


class EndedUnasked(Exception):
    """A loop returned, or was cancelled from within, although it was not stopped."""


def end_process() -> None:
    """Asks this process to drain and end; whatever started it starts it again."""
    os.kill(os.getpid(), signal.SIGTERM)


class _Restarts:
    """What one loop's failures lead to."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._backoff = Backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
        self._began = time.monotonic()

    def begins(self) -> None:
        self._began = time.monotonic()

    def failed(self, error: BaseException) -> float:
        """Logs and counts a failure; the seconds to wait before the next start."""
        if time.monotonic() - self._began > _RECOVERED_SECONDS:
            self._backoff.reset()
        pause = self._backoff.next()
        TASK_FAILURES.labels(self._name).inc()
        log.error("task.failed", task=self._name, restart_seconds=round(pause, 2), exc_info=error)
        return pause

    def ended(self, error: BaseException) -> None:
        """Logs and counts what no restart helps against."""
        TASK_FAILURES.labels(self._name).inc()
        log.error("task.cannot_restart", task=self._name, exc_info=error)


class SupervisedTask:
    """A coroutine function that loops until it is asked to stop, on this event loop.

    `run` returns when its owner has asked it to; `stop` marks that. Anything else that ends it is a failure.
    """

    def __init__(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self._name = name
        self._run = run
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts it."""
        self._stopping = False
        self._task = asyncio.create_task(self._supervise(), name=self._name)

    async def stop(self, seconds: float) -> None:
        """Waits for it to end by itself, and cancels it after `seconds`."""
        self._stopping = True
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=seconds)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _supervise(self) -> None:
        restarts = _Restarts(self._name)
        while True:
            restarts.begins()
            error = await self._outcome()
            if self._stopping:
                return
            await asyncio.sleep(restarts.failed(error))

    async def _outcome(self) -> Exception:
        try:
            await self._run()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if self._stopping or (task is not None and task.cancelling()):
                raise
            # Something that the loop awaited was cancelled; the loop was not.
            failure = EndedUnasked("cancelled from within")
            failure.__cause__ = error
            return failure
        except Exception as error:
            return error
        return EndedUnasked("returned")


class SupervisedThread:
    """A function that loops until `stopping` is set, in a thread of its own."""

    def __init__(
        self,
        name: str,
        run: Callable[[], None],
        stopping: threading.Event,
        *,
        fatal: Callable[[], None] = end_process,
    ) -> None:
        self._name = name
        self._run = run
        self._stopping = stopping
        self._fatal = fatal
        self._thread = threading.Thread(target=self._supervise, name=name, daemon=True)

    def start(self) -> None:
        """Starts it."""
        self._thread.start()

    def join(self, seconds: float) -> bool:
        """Whether it has ended, within `seconds`."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _supervise(self) -> None:
        restarts = _Restarts(self._name)
        while not self._stopping.is_set():
            restarts.begins()
            error: Exception = EndedUnasked("returned")
            try:
                self._run()
            except Exception as raised:
                error = raised
            except BaseException as raised:
                # SystemExit would end this thread alone, silently.
                restarts.ended(raised)
                self._fatal()
                return
            if not self._stopping.is_set():
                self._stopping.wait(restarts.failed(error))
