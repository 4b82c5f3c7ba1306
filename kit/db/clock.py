"""The database's time, which all replicas of a service share.

Stored times decide when work is due, when it expires and whether a lease has ended. If each replica
used its own clock, a wrong one would write rows that no replica processes until much later, and would end leases that still hold.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from datetime import datetime, timedelta

from kit.errors import SoukError
from kit.telemetry import get_logger
from kit.values import whole_milliseconds

log = get_logger(__name__)

_MEASURE_SECONDS = 10.0
# The error of a measurement is at most half of its duration.
_MAX_DURATION_SECONDS = 0.5


class DatabaseClock:
    """A `kit.values.Clock`: the server's time as last measured, plus the time that has passed since. It needs no round trip.

    `read` returns the server's time. While the server is unreachable the last measurement stays in use.
    """

    def __init__(self, read: Callable[[], Awaitable[datetime]]) -> None:
        self._read = read
        self._measured: tuple[datetime, float] | None = None
        self._measuring: asyncio.Task[None] | None = None

    def __call__(self) -> datetime:
        """The current time; raises RuntimeError before `open`."""
        if self._measured is None:
            raise RuntimeError("the database is not open, so its time is unknown")
        measured, at = self._measured
        return whole_milliseconds(measured + timedelta(seconds=time.monotonic() - at))

    async def open(self) -> None:
        """Measures, now and regularly; raises what `read` raises."""
        await self._measure()
        # A fresh context: the measurements belong to no call.
        self._measuring = asyncio.get_running_loop().create_task(self._keep_measuring(), context=Context())

    async def close(self) -> None:
        """Stops measuring."""
        if self._measuring is not None:
            self._measuring.cancel()
            await asyncio.gather(self._measuring, return_exceptions=True)
            self._measuring = None

    async def _keep_measuring(self) -> None:
        while True:
            await asyncio.sleep(_MEASURE_SECONDS)
            try:
                await self._measure()
            except SoukError as error:
                log.warning("database.clock_not_measured", error=str(error))

    async def _measure(self) -> None:
        before = time.monotonic()
        measured = await self._read()
        after = time.monotonic()
        if self._measured is None or after - before <= _MAX_DURATION_SECONDS:
            self._measured = measured, (before + after) / 2
