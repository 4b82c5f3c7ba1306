"""Limits of how often something may be tried within 15 minutes, counted in the database, so that all replicas share them (ADR 0023).

`waits` counts every attempt, such as a mail or a registration. `guess` is for passwords: only wrong ones count, and while one is compared
it holds a place in its buckets, so that no more can be compared at once than may still be wrong. Whoever finds no place waits in line.

What an attempt counts for is stored as a digest only.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from account.errors import LoginThrottled, TooBusy
from account.ports import AttemptStore
from kit.db import Database, retry_on_contention
from kit.values import Clock, remaining, secret_token

WINDOW: Final = timedelta(minutes=15)
# Longer than a call that compares a password may take. A process that dies gives its places back after it.
_LEASE: Final = timedelta(seconds=15)
# Places that another replica frees are not announced here.
_POLL_SECONDS: Final = 0.05
# A storm from one network waits for that network's row: here, so that it does not take the connections of other calls.
_CONNECTIONS: Final = 2
# Of a call's time, what waiting in line may take: the password has to be compared after it.
_WAITING_SHARE: Final = 0.7


@dataclass(frozen=True, slots=True)
class Brake:
    """A bucket that takes `limit` attempts of one kind for one subject, such as a network."""

    kind: str
    subject: str
    limit: int

    @property
    def key(self) -> str:
        """Stands for the subject without revealing it."""
        return self.kind + ":" + hashlib.sha256(self.subject.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class Guess:
    """A password that is being compared; `wrong` is set once it is known to be."""

    id: str = field(default_factory=secret_token)
    wrong: bool = False


class Throttle:
    """Counts attempts. `waiting`: guesses in line for a place, `max_waiting` at most."""

    def __init__(self, db: Database, store: AttemptStore, clock: Clock, *, max_waiting: int) -> None:
        self._db = db
        self._store = store
        self._clock = clock
        self._max_waiting = max_waiting
        self.waiting = 0
        # One line for each narrowest bucket: first come, first served, and only its head asks the database.
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._place_freed = asyncio.Event()
        self._connections = asyncio.Semaphore(_CONNECTIONS)

    async def waits(self, brakes: Sequence[Brake]) -> list[int]:
        """Counts an attempt in each bucket; returns for each the seconds until it allows another, 0 when it allows this one."""
        now = self._clock()
        counted = await self._store.count_attempt([brake.key for brake in brakes], now, now - WINDOW)
        return [
            _seconds_left(start, now) if count > brake.limit else 0
            for brake, (count, start) in zip(brakes, counted, strict=True)
        ]

    async def forgive(self, brakes: Sequence[Brake]) -> None:
        """Takes one attempt of each back."""
        await self._store.forgive_attempt([brake.key for brake in brakes])

    async def release(self, brakes: Sequence[Brake]) -> None:
        """Takes all attempts of each back."""
        await self._store.forget_attempts([brake.key for brake in brakes])

    @asynccontextmanager
    async def guess(self, brakes: Sequence[Brake]) -> AsyncIterator[Guess]:
        """Holds a place in each bucket, the narrowest bucket first, and counts the guess in each if it turns out wrong.

        Raises LoginThrottled when a bucket is full of wrong guesses, TooBusy when too many wait, or this one would for too long.
        """
        guess, keys = Guess(), [brake.key for brake in brakes]
        await self._wait_for_place(guess, brakes)
        try:
            yield guess
        finally:
            # A client that hangs up must not keep the place.
            await asyncio.shield(self._leave(guess, keys))

    async def _wait_for_place(self, guess: Guess, brakes: Sequence[Brake]) -> None:
        if self.waiting >= self._max_waiting:
            raise TooBusy()
        left = remaining()
        line = self._lines.setdefault(brakes[0].key, asyncio.Lock())
        self.waiting += 1
        try:
            async with asyncio.timeout(None if left is None else left * _WAITING_SHARE), line:
                while not await self._take_place(guess, brakes):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._place_freed.wait(), _POLL_SECONDS)
        except TimeoutError:
            raise TooBusy() from None
        finally:
            self.waiting -= 1

    @retry_on_contention
    async def _take_place(self, guess: Guess, brakes: Sequence[Brake]) -> bool:
        """Takes a place in all buckets or in none; false when what is being compared fills one of them."""
        now, keys = self._clock(), [brake.key for brake in brakes]
        async with self._connections, self._db.transaction() as tx:
            buckets = await self._store.lock_buckets(tx, keys, now, now - WINDOW)
            full = [
                _seconds_left(bucket.window_start, now)
                for brake, bucket in zip(brakes, buckets, strict=True)
                if bucket.failures >= brake.limit
            ]
            if full:
                raise LoginThrottled(details={"retry_after": max(full)})
            if any(b.failures + b.guesses >= brake.limit for brake, b in zip(brakes, buckets, strict=True)):
                return False
            await self._store.begin_guess(tx, guess.id, keys, now + _LEASE)
        return True

    async def _leave(self, guess: Guess, keys: Sequence[str]) -> None:
        now = self._clock()
        async with self._connections:
            await self._store.end_guess(guess.id, keys, now, now - WINDOW, wrong=guess.wrong)
        freed, self._place_freed = self._place_freed, asyncio.Event()
        freed.set()


def _seconds_left(window_start: datetime, now: datetime) -> int:
    return max(1, int((window_start + WINDOW - now).total_seconds()))
