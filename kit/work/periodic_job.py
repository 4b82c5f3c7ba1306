"""Periodic jobs, such as cancelling expired orders."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from kit.telemetry import get_logger, job_span
from kit.work.metrics import WORK
from kit.work.supervisor import SupervisedTask

log = get_logger(__name__)

_STOP_SECONDS = 8.0


class PeriodicJob:
    """Calls `run` every `seconds`, plus or minus 10 %, without overlap; failures are logged and the next run follows as usual.

    Every replica runs it, so `run` must claim the rows that it works on.
    """

    def __init__(self, name: str, seconds: float, run: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self._seconds = seconds
        self._run = run
        self._stopping = asyncio.Event()
        self._task = SupervisedTask(f"job-{name}", self._loop)

    async def open(self) -> None:
        """Starts in the background; the first run follows after a random part of the period."""
        self._stopping.clear()
        self._task.start()

    async def close(self) -> None:
        """Waits a few seconds for the current run, then cancels it."""
        self._stopping.set()
        await self._task.stop(_STOP_SECONDS)

    async def ping(self) -> None:
        """Does nothing."""

    async def _loop(self) -> None:
        pause = self._seconds * random.random()
        while not await self._stopped(pause):
            try:
                with job_span(f"job {self.name}"):
                    await self._run()
            except Exception:  # The next run may succeed.
                WORK.labels(self.name, "failed").inc()
                log.exception("periodic_job.failed", job=self.name)
            else:
                WORK.labels(self.name, "done").inc()
            pause = self._seconds * random.uniform(0.9, 1.1)

    async def _stopped(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True
