"""A bounded queue for hashing, whose threads use spare CPU time only. Not here: bcrypt (account.credentials.passwords)."""

import asyncio
import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, TypeVar

from account.attempts.errors import TooBusy
from kit.telemetry import get_logger
from kit.values import remaining

log = get_logger(__name__)

T = TypeVar("T")

# Niceness where SCHED_IDLE is unavailable.
_NICENESS: Final = 19
# Share of the caller's time for queueing and hashing: the response has to be written after it.
_MAX_SHARE_OF_DEADLINE: Final = 0.8
# Odd and small: the median follows the machine's load, and ignores a run during which the process was frozen.
_MEASUREMENTS: Final = 9


@dataclass(slots=True, eq=False)
class _Job:
    """Work in the queue. `until` is when the last of its callers stops waiting."""

    work: Callable[[], Any]
    is_first: bool
    until: float
    callers: int = 0
    result: asyncio.Future[Any] = field(init=False)


class HashQueue:
    """Runs work in order of arrival, on all cores but one (at least one). At most `max_waiting` callers wait.

    A caller is rejected at once only if not even an idle machine could serve it in time: how busy this one is may change while it waits.
    Work that finds the queue empty always runs, so a measurement on a busy machine can be corrected.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._callers = 0
        self._unfinished = 0
        self._shared: dict[Hashable, _Job] = {}
        self._min_cpu_seconds = math.inf
        self._seconds: deque[float] = deque(maxlen=_MEASUREMENTS)
        self._threads = max(1, (os.cpu_count() or 1) - 1)
        self._pool = ThreadPoolExecutor(
            self._threads, thread_name_prefix="bcrypt", initializer=_lower_priority
        )

    def close(self) -> None:
        """Cancels queued work; running work completes."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[[], T], key: Hashable = None) -> T:
        """The result; callers at the same time with an equal key share one run. Raises TooBusy, before the caller's deadline."""
        left = remaining()
        seconds = None if left is None else left * _MAX_SHARE_OF_DEADLINE
        job = self._shared.get(key)
        if job is not None and job.result.cancelled():
            # Its callers have just left.
            job = None
        if self._callers >= self._max_waiting or (job is None and self._is_hopeless(seconds)):
            raise TooBusy()
        until = math.inf if seconds is None else time.monotonic() + seconds
        if job is None:
            job = self._start(_Job(work, not self._unfinished, until), key)
        job.until = max(job.until, until)
        result: T = await self._wait(job, seconds)
        return result

    def _is_hopeless(self, seconds: float | None) -> bool:
        if seconds is None or not self._unfinished or self._min_cpu_seconds == math.inf:
            return False
        return self._min_cpu_seconds * (self._unfinished // self._threads + 1) > seconds

    def _start(self, job: _Job, key: Hashable) -> _Job:
        self._unfinished += 1
        if key is not None:
            self._shared[key] = job

        def finish(_: object) -> None:
            self._unfinished -= 1
            if self._shared.get(key) is job:
                del self._shared[key]

        job.result = asyncio.get_running_loop().run_in_executor(self._pool, self._run, job)
        job.result.add_done_callback(finish)
        return job

    async def _wait(self, job: _Job, seconds: float | None) -> Any:
        self._callers += 1
        job.callers += 1
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(job.result)
        except TimeoutError:
            raise TooBusy() from None
        finally:
            self._callers -= 1
            job.callers -= 1
            if not job.callers:
                job.result.cancel()

    def _run(self, job: _Job) -> Any:
        expected = 0.0 if job.is_first or not self._seconds else median(list(self._seconds))
        if time.monotonic() + expected > job.until:
            raise TooBusy()
        started, cpu_started = time.perf_counter(), time.thread_time()
        try:
            return job.work()
        finally:
            self._min_cpu_seconds = min(self._min_cpu_seconds, time.thread_time() - cpu_started)
            self._seconds.append(time.perf_counter() - started)


def _lower_priority() -> None:
    # SCHED_IDLE uses only spare CPU time. Niceness would still take a share of a core, and counts only within a session or container.
    # Only Linux has priorities of threads.
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    try:
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
    except OSError as error:
        # Some sandboxes lack the policy.
        log.warning("passwords.idle_scheduling_unavailable", error=error.strerror)
        os.setpriority(os.PRIO_PROCESS, thread, _NICENESS)
