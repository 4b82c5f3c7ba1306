"""A bounded pool that does claimed work: effects that no transaction covers, such as a charge or a mail.

The rows, their leases and what a failure means for them are the store's: `claim` leases some
(`UPDATE ... WHERE id IN (SELECT ... FOR UPDATE SKIP LOCKED) RETURNING`), `handle` performs one idempotent call and records
its outcome. A row whose lease ran out, because its process died, is claimed again by somebody.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from kit.errors import is_transient
from kit.telemetry import get_logger, span
from kit.work.metrics import WORK, WORKING
from kit.work.supervisor import SupervisedTask

log = get_logger(__name__)

T = TypeVar("T")

_STOP_SECONDS = 8.0
_PAUSE_AFTER_FAILURE_SECONDS = 1.0
_PACE_SECONDS = 0.05


class LeaseLost(Exception):
    """The lease ran out and another worker has the item by now, so nothing was written.

    Whoever records an outcome compares the lease that it was given with the row's: a count of its leases, a fencing token.
    """


class Pace:
    """A token bucket: so many a second on average, and up to a tenth of a second's at once."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second / 10)
        self._left = self._most
        self._at = time.monotonic()

    def allowed(self) -> int:
        """How many may begin now."""
        if math.isinf(self._per_second):
            return sys.maxsize
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second)
        self._at = now
        return int(self._left)

    def took(self, count: int) -> None:
        """So many have begun."""
        if not math.isinf(self._per_second):
            self._left -= count


class Worker(Generic[T]):
    """Claims as many items as it has free hands, and handles each in a task of its own.

    `claim(limit)` answers leased items, none when there is nothing to do; `handle(item)` catches nothing: what it raises
    is counted and logged here, and its item comes back when its lease ends. `idle_seconds` is how soon work that nobody
    announced by `notify` is seen, which also bounds how late an expired lease is. No more than `per_second` are begun on
    average, which whoever is called for them (a provider, a mail server) may demand.
    """

    def __init__(
        self,
        name: str,
        claim: Callable[[int], Awaitable[Sequence[T]]],
        handle: Callable[[T], Awaitable[None]],
        *,
        concurrency: int,
        per_second: float = math.inf,
        idle_seconds: float = 0.2,
    ) -> None:
        self.name = name
        self._claim = claim
        self._handle = handle
        self._concurrency = concurrency
        self._pace = Pace(per_second)
        self._idle_seconds = idle_seconds
        self._wake = asyncio.Event()
        self._stopping = False
        self._busy: set[asyncio.Task[None]] = set()
        self._task = SupervisedTask(f"worker-{name}", self._run)

    def notify(self) -> None:
        """There may be work now."""
        self._wake.set()

    async def open(self) -> None:
        """Starts in the background."""
        self._stopping = False
        self._task.start()

    async def close(self) -> None:
        """Claims nothing more, lets what is under way end within a few seconds, and breaks off the rest.

        What is broken off is claimed again once its lease has ended.
        """
        self._stopping = True
        self._wake.set()
        await self._task.stop(_STOP_SECONDS)
        if self._busy:
            _, late = await asyncio.wait(self._busy, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def ping(self) -> None:
        """Nothing to ask: a worker that does not get on shows as a backlog."""

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            wanted = min(self._concurrency - len(self._busy), self._pace.allowed())
            claimed = await self._claimed(wanted) if wanted else ()
            self._pace.took(len(claimed))
            for item in claimed:
                self._begin(item)
            # Half of the hands at a time: one claim serves several items, and the others have work meanwhile.
            if len(self._busy) > self._concurrency // 2:
                await self._free_hands(self._concurrency // 2)
            elif not claimed:
                # The pace is looked at sooner than for new work, so that it is kept.
                await self._rest(self._idle_seconds if wanted else min(self._idle_seconds, _PACE_SECONDS))

    async def _claimed(self, limit: int) -> Sequence[T]:
        try:
            return await self._claim(limit)
        except Exception as error:  # the database may be away; the pool outlives that
            log.warning("work.claim_failed", worker=self.name, error=repr(error))
            await asyncio.sleep(_PAUSE_AFTER_FAILURE_SECONDS)
            return ()

    def _begin(self, item: T) -> None:
        task = asyncio.create_task(self._one(item))
        self._busy.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        WORKING.labels(self.name).set(len(self._busy))
        self._wake.set()

    async def _one(self, item: T) -> None:
        WORKING.labels(self.name).set(len(self._busy))
        try:
            with span(f"work {self.name}"):
                await self._handle(item)
        except LeaseLost:
            WORK.labels(self.name, "lease_lost").inc()
            log.info("work.lease_lost", worker=self.name)
        except Exception as error:  # one item's failure is not the pool's
            WORK.labels(self.name, "failed").inc()
            if is_transient(error):
                log.warning("work.failed", worker=self.name, error=repr(error))
            else:
                log.exception("work.failed", worker=self.name)
        else:
            WORK.labels(self.name, "done").inc()

    async def _free_hands(self, most_busy: int) -> None:
        while len(self._busy) > most_busy:
            await asyncio.wait(self._busy, return_when=asyncio.FIRST_COMPLETED)

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
