"""Fixed-window limits on attempts, counted in PostgreSQL and shared by all replicas (ADR 0023). Subjects are stored hashed.

`count` counts every attempt, such as a registration or a mail. `guess` is for passwords: only wrong ones count. A password takes a place
in its buckets while it is checked, so a burst of parallel guesses gets no more tries than a sequence. Guesses without a place wait in line.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from account.attempts.domain import WINDOW, AttemptLimit, Guess, seconds_left
from account.attempts.errors import LoginThrottled, TooBusy
from account.attempts.ports import AttemptStore
from kit.db import Database, retry_on_contention
from kit.errors import ResourceExhausted
from kit.values import Clock, remaining

# Longer than checking a password may take. It frees the places of a replica that crashed.
_LEASE: Final = timedelta(seconds=15)
# Places that another replica frees are not announced to this one.
_POLL_SECONDS: Final = 0.05
# A storm from one network waits for that network's row. It must not use up the connections of other calls.
_MAX_CONNECTIONS: Final = 2
# Share of the caller's deadline for waiting in line; the rest is for checking the password.
_MAX_WAITING_SHARE: Final = 0.7


class Throttle:
    """Counts attempts. `waiting` guesses are in line for a place, at most `max_waiting`."""

    def __init__(self, db: Database, store: AttemptStore, clock: Clock, *, max_waiting: int) -> None:
        self._db = db
        self._store = store
        self._clock = clock
        self._max_waiting = max_waiting
        self.waiting = 0
        # One line for each narrowest bucket: first come, first served, and only its head polls the database.
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._place_freed = asyncio.Event()
        self._connections = asyncio.Semaphore(_MAX_CONNECTIONS)

    async def count(self, limit: AttemptLimit) -> int:
        """Counts one attempt; returns the seconds until the next is allowed, 0 when this one is."""
        now = self._clock()
        [(count, window_start)] = await self._store.count_attempts([limit.key], now, now - WINDOW)
        return seconds_left(window_start, now) if count > limit.limit else 0

    async def refund(self, limit: AttemptLimit) -> None:
        """Subtracts one attempt."""
        await self._store.refund_attempts([limit.key])

    async def reset(self, limits: Sequence[AttemptLimit]) -> None:
        """Forgets all attempts."""
        await self._store.reset_attempts([limit.key for limit in limits])

    @asynccontextmanager
    async def guess(self, limits: Sequence[AttemptLimit]) -> AsyncIterator[Guess]:
        """Takes a place in each bucket, the narrowest first; counts the guess in each if it is wrong.

        Raises LoginThrottled when a bucket is full of wrong guesses, TooBusy when too many guesses wait or this one waited too long.
        """
        guess, keys = Guess(), [limit.key for limit in limits]
        await self._wait_for_place(guess, limits)
        try:
            yield guess
        finally:
            # A client that disconnects must not keep the place.
            await asyncio.shield(self._finish(guess, keys))

    async def _wait_for_place(self, guess: Guess, limits: Sequence[AttemptLimit]) -> None:
        if self.waiting >= self._max_waiting:
            raise TooBusy()
        left = remaining()
        line = self._lines.setdefault(limits[0].key, asyncio.Lock())
        self.waiting += 1
        try:
            async with asyncio.timeout(None if left is None else left * _MAX_WAITING_SHARE), line:
                while not await self._take_place(guess, limits):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._place_freed.wait(), _POLL_SECONDS)
        except TimeoutError:
            raise TooBusy() from None
        finally:
            self.waiting -= 1

    @retry_on_contention
    async def _take_place(self, guess: Guess, limits: Sequence[AttemptLimit]) -> bool:
        """Takes a place in all buckets or in none; false while guesses that are being checked fill a bucket."""
        now, keys = self._clock(), [limit.key for limit in limits]
        async with self._connections, self._db.transaction() as tx:
            buckets = await self._store.lock_buckets(tx, keys, now, now - WINDOW)
            pairs = list(zip(limits, buckets, strict=True))
            full = [
                seconds_left(bucket.window_start, now)
                for limit, bucket in pairs
                if bucket.failures >= limit.limit
            ]
            if full:
                raise LoginThrottled(details={"retry_after": max(full)})
            if any(bucket.failures + bucket.guesses >= limit.limit for limit, bucket in pairs):
                return False
            await self._store.start_guess(tx, guess.id, keys, now + _LEASE)
        return True

    async def _finish(self, guess: Guess, keys: Sequence[str]) -> None:
        now = self._clock()
        async with self._connections:
            await self._store.finish_guess(guess.id, keys, now, now - WINDOW, wrong=guess.wrong)
        freed, self._place_freed = self._place_freed, asyncio.Event()
        freed.set()


@dataclass(frozen=True, slots=True)
class CountedLimit:
    """Limits one kind of attempt by any subject; every attempt counts."""

    throttle: Throttle
    kind: str
    limit: int
    error: type[ResourceExhausted]

    async def enforce(self, subject: str) -> None:
        """Counts an attempt; raises `error` above the limit."""
        retry_after = await self.throttle.count(self._of(subject))
        if retry_after:
            raise self.error(details={"retry_after": retry_after})

    async def allows(self, subject: str) -> bool:
        """Counts an attempt; false above the limit."""
        return not await self.throttle.count(self._of(subject))

    async def refund(self, subject: str) -> None:
        """Subtracts one attempt."""
        await self.throttle.refund(self._of(subject))

    def _of(self, subject: str) -> AttemptLimit:
        return AttemptLimit(self.kind, subject, self.limit)
