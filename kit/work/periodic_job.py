"""A periodic sweep, such as cancelling what is past its deadline."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from kit.telemetry import get_logger, span
from kit.work.metrics import WORK
from kit.work.supervisor import SupervisedTask

log = get_logger(__name__)

_STOP_SECONDS = 8.0


class PeriodicJob:
    """Runs `run` every so many seconds, give or take a tenth, never twice at a time; a failure is logged and forgotten.

    Every replica runs its own, so a sweep claims what it works on.
    """

    def __init__(self, name: str, seconds: float, run: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self._seconds = seconds
        self._run = run
        self._stopping = asyncio.Event()
        self._task = SupervisedTask(f"every-{name}", self._loop)

    async def open(self) -> None:
        """Starts in the background; the first run comes after a random part of the period."""
        self._stopping.clear()
        self._task.start()

    async def close(self) -> None:
        """Lets the run under way end within a few seconds, then breaks it off."""
        self._stopping.set()
        await self._task.stop(_STOP_SECONDS)

    async def ping(self) -> None:
        """Nothing to ask."""

    async def _loop(self) -> None:
        pause = self._seconds * random.random()
        while not await self._stopped(pause):
            try:
                with span(f"sweep {self.name}"):
                    await self._run()
            except Exception:  # the next run may do better
                WORK.labels(self.name, "failed").inc()
                log.exception("sweep.failed", sweep=self.name)
            else:
                WORK.labels(self.name, "done").inc()
            pause = self._seconds * random.uniform(0.9, 1.1)

    async def _stopped(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True
