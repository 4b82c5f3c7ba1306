"""A bounded pool that performs claimed work: effects that no transaction covers, such as a charge or an email.

The store owns the rows and their leases: `claim` leases some (`UPDATE ... WHERE id IN (SELECT ... FOR UPDATE SKIP LOCKED) RETURNING`),
`handle` performs one idempotent call and records its outcome. When a lease expires because its process died, another claim takes the row.
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
from kit.work.metrics import IN_PROGRESS, WORK
from kit.work.supervisor import SupervisedTask

log = get_logger(__name__)

T = TypeVar("T")

_STOP_SECONDS = 8.0
_PAUSE_AFTER_FAILURE_SECONDS = 1.0
# Work of other replicas, and what became due by itself, is found this late by a worker that is woken for its own.
_REST_SECONDS = 1.0
# A tenth of a second's tokens is also the largest burst, so a claim of a rate-limited pool takes as many as may start.
_RATE_LIMITED_POLL_SECONDS = 0.1
# A row costs a quarter of what it costs alone in a statement for ten; more at once gain little.
_MAX_CLAIM = 10


class LeaseLost(Exception):
    """The lease expired and another worker claimed the item, so nothing was written.

    To detect this, a store compares the claimed lease with the row's when it records an outcome: a lease counter, i.e. a fencing token.
    """


class TokenBucket:
    """A token bucket: `per_second` on average, in bursts of up to a tenth of that."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._capacity = max(1.0, per_second / 10)
        self._tokens = self._capacity
        self._updated_at = time.monotonic()

    def available(self) -> int:
        """The number of tokens available now."""
        if math.isinf(self._per_second):
            return sys.maxsize
        now = time.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._updated_at) * self._per_second)
        self._updated_at = now
        return int(self._tokens)

    def consume(self, count: int) -> None:
        """Takes tokens."""
        if not math.isinf(self._per_second):
            self._tokens -= count


class Worker(Generic[T]):
    """Claims up to ten items at once, if its free capacity allows, and handles each in its own task.

    `claim(limit)` returns leased items, fewer than `limit` if there is no more work. Exceptions of `handle(item)` are counted and logged
    here, and the item is claimed again after its lease. `idle_seconds` is the poll interval, and so the maximum delay for new work and
    expired leases: what becomes due in that time is claimed together. At most `per_second` items are started on average, a limit of the
    called system (a payment provider, a mail server).

    `on_new_work(wake)` calls `wake` whenever there may be new work, e.g. `Database.on_committed`. Then a worker at rest is woken at once,
    and polls only every `rest_seconds`. `order_id(item)` names its order in its trace, which starts here: nothing else connects it with
    the request that the item follows from.
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
        rest_seconds: float = _REST_SECONDS,
        on_new_work: Callable[[Callable[[], None]], None] | None = None,
        order_id: Callable[[T], str] | None = None,
    ) -> None:
        self.name = name
        self._claim = claim
        self._handle = handle
        self._concurrency = concurrency
        self._bucket = TokenBucket(per_second)
        self._idle_seconds = idle_seconds
        self._rest_seconds = rest_seconds if on_new_work else idle_seconds
        self._order_id = order_id
        self._closing = asyncio.Event()
        self._woken = asyncio.Event()
        if on_new_work:
            on_new_work(self._woken.set)
        self._busy: set[asyncio.Task[None]] = set()
        self._task = SupervisedTask(f"worker-{name}", self._run)

    async def open(self) -> None:
        """Starts in the background."""
        self._closing.clear()
        self._task.start()

    async def close(self) -> None:
        """Stops claiming, waits a few seconds for items in progress, then cancels the rest.

        Cancelled items are claimed again after their lease.
        """
        self._closing.set()
        self._woken.set()
        await self._task.stop(_STOP_SECONDS)
        if self._busy:
            _, late = await asyncio.wait(self._busy, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def ping(self) -> None:
        """Does nothing: a stalled worker shows as a backlog."""

    async def _run(self) -> None:
        # At least half the slots of a small pool: then one claim fetches several items while others are in progress.
        claim_size = min(_MAX_CLAIM, (self._concurrency + 1) // 2)
        while not self._closing.is_set():
            self._woken.clear()
            claimed_at = time.monotonic()
            limit = min(_MAX_CLAIM, self._concurrency - len(self._busy), self._bucket.available())
            claimed = await self._claim_items(limit) if limit else ()
            self._bucket.consume(len(claimed))
            for item in claimed:
                self._start(item)
            if not limit:
                await self._sleep(min(self._idle_seconds, _RATE_LIMITED_POLL_SECONDS))
            elif len(claimed) < limit:
                await self._rest(claimed_at)
            await self._wait_for_capacity(self._concurrency - claim_size)

    async def _claim_items(self, limit: int) -> Sequence[T]:
        try:
            return await self._claim(limit)
        except Exception as error:  # The database may be unavailable; the pool continues.
            log.warning("work.claim_failed", worker=self.name, error=repr(error))
            await asyncio.sleep(_PAUSE_AFTER_FAILURE_SECONDS)
            return ()

    def _start(self, item: T) -> None:
        task = asyncio.create_task(self._handle_item(item))
        self._busy.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        # The next item of the same account may be due now.
        self._woken.set()
        IN_PROGRESS.labels(self.name).set(len(self._busy))

    async def _handle_item(self, item: T) -> None:
        IN_PROGRESS.labels(self.name).set(len(self._busy))
        try:
            with span(f"work {self.name}") as current:
                if current.sampled and self._order_id:
                    current.set("order_id", self._order_id(item))
                await self._handle(item)
        except LeaseLost:
            WORK.labels(self.name, "lease_lost").inc()
            log.info("work.lease_lost", worker=self.name)
        except Exception as error:  # One item's failure must not stop the pool.
            WORK.labels(self.name, "failed").inc()
            if is_transient(error):
                log.warning("work.failed", worker=self.name, error=repr(error))
            else:
                log.exception("work.failed", worker=self.name)
        else:
            WORK.labels(self.name, "done").inc()

    async def _wait_for_capacity(self, max_busy: int) -> None:
        while len(self._busy) > max_busy:
            await asyncio.wait(self._busy, return_when=asyncio.FIRST_COMPLETED)

    async def _rest(self, claimed_at: float) -> None:
        """Until there may be new work, but at least `idle_seconds` after the last claim, so that claims find several items under load."""
        try:
            await asyncio.wait_for(self._woken.wait(), self._rest_seconds)
        except TimeoutError:
            return
        if (seconds := claimed_at + self._idle_seconds - time.monotonic()) > 0:
            await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return
