"""Supervises background loops: an escaping exception is logged and counted, and the loop is restarted with back-off.

A loop that cannot be restarted ends the process, because a service without it would look healthy but do only part of its work. Not here:
tasks of a single call or connection.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable

from kit.telemetry import get_logger
from kit.values import Backoff
from kit.work.metrics import TASK_FAILURES

log = get_logger(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_MAX_PAUSE_SECONDS = 30.0
# After running this long, a loop counts as recovered.
_RECOVERED_SECONDS = 60.0


class UnexpectedExit(Exception):
    """A loop returned, or was cancelled from within, without being stopped."""


def end_process() -> None:
    """Makes this process drain and exit; its orchestrator restarts it."""
    os.kill(os.getpid(), signal.SIGTERM)


class _Restarts:
    """Records the failures of one loop and computes the pauses."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._backoff = Backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
        self._started_at = time.monotonic()

    def record_start(self) -> None:
        self._started_at = time.monotonic()

    def record_failure(self, error: BaseException) -> float:
        """Logs and counts a failure; returns the seconds until the restart."""
        if time.monotonic() - self._started_at > _RECOVERED_SECONDS:
            self._backoff.reset()
        pause = self._backoff.next()
        TASK_FAILURES.labels(self._name).inc()
        log.error("task.failed", task=self._name, restart_seconds=round(pause, 2), exc_info=error)
        return pause

    def record_fatal(self, error: BaseException) -> None:
        """Logs and counts a failure without a restart."""
        TASK_FAILURES.labels(self._name).inc()
        log.error("task.cannot_restart", task=self._name, exc_info=error)


class SupervisedTask:
    """Runs a coroutine function that loops until it is stopped, on the current event loop.

    Its owner makes `run` return and then calls `stop`. Any other end is a failure.
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
        """Waits for it to return; cancels it after `seconds`."""
        self._stopping = True
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=seconds)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _supervise(self) -> None:
        restarts = _Restarts(self._name)
        while True:
            restarts.record_start()
            error = await self._run_once()
            if self._stopping:
                return
            await asyncio.sleep(restarts.record_failure(error))

    async def _run_once(self) -> Exception:
        try:
            await self._run()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if self._stopping or (task is not None and task.cancelling()):
                raise
            # Something that the loop awaited was cancelled, not the loop.
            failure = UnexpectedExit("cancelled from within")
            failure.__cause__ = error
            return failure
        except Exception as error:
            return error
        return UnexpectedExit("returned")


class SupervisedThread:
    """Runs a function that loops until `stopping` is set, in its own thread."""

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
        """Whether it ended within `seconds`."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _supervise(self) -> None:
        restarts = _Restarts(self._name)
        while not self._stopping.is_set():
            restarts.record_start()
            error: Exception = UnexpectedExit("returned")
            try:
                self._run()
            except Exception as raised:
                error = raised
            except BaseException as raised:
                # Otherwise SystemExit would silently end only this thread.
                restarts.record_fatal(raised)
                self._fatal()
                return
            if not self._stopping.is_set():
                self._stopping.wait(restarts.record_failure(error))
