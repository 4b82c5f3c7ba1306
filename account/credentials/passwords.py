"""bcrypt on a bounded thread pool, so that a storm of logins does not slow down other calls."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import bcrypt

from account.attempts.errors import TooBusy
from kit.telemetry import get_logger
from kit.values import deadline, remaining

log = get_logger(__name__)

T = TypeVar("T")

# Niceness where SCHED_IDLE is unavailable.
_NICENESS: Final = 19
# Weight of the latest measurement in the moving average of a hash's time.
_EWMA_WEIGHT: Final = 0.2
# Share of the caller's deadline for queueing and hashing. The machine can become busier, and the response has to be written.
_MAX_SHARE_OF_DEADLINE: Final = 0.8


class BcryptPasswords:
    """A resource that hashes with bcrypt, on all cores but one (at least one).

    At most `waiting` calls queue. A call that would miss its caller's deadline is rejected at once. A call that finds the queue empty is
    never rejected: otherwise a measurement from when the process was frozen or the machine busy could never be corrected.
    """

    name = "passwords"

    def __init__(self, *, cost: int, waiting: int) -> None:
        self._cost = cost
        self._max_waiting = waiting
        self._waiting = 0
        self._seconds = 0.0
        self._threads = max(1, (os.cpu_count() or 1) - 1)
        self._pool = ThreadPoolExecutor(
            self._threads, thread_name_prefix="bcrypt", initializer=_lower_priority
        )
        # Compared with when there is no account, so that the response takes the same time.
        self._dummy_hash = bcrypt.hashpw(os.urandom(16).hex().encode(), bcrypt.gensalt(cost)).decode()

    async def open(self) -> None:
        """Nothing to open: the pool starts its threads on demand."""

    async def close(self) -> None:
        """Cancels queued calls; running ones complete."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def ping(self) -> None:
        """Always healthy: a full queue is no reason to stop traffic to the replica."""

    async def hash(self, password: bytes) -> str:
        """A new salted hash; raises TooBusy."""
        return (await self._run(lambda: bcrypt.hashpw(password, bcrypt.gensalt(self._cost)))).decode()

    async def matches(self, password: bytes, password_hash: str | None) -> bool:
        """Compares; raises TooBusy. A mismatch takes the same time without a hash and with a hash of a lower cost."""
        compared = self._dummy_hash if password_hash is None else password_hash
        # bcrypt rejects longer input and stops at NUL. No stored password has either, but an attempt may.
        attempt = password[:72].replace(b"\0", b"\xff")
        same = await self._run(lambda: self._compare(attempt, compared))
        return same and password_hash is not None and attempt == password

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash has a lower cost than a new one."""
        return _cost_of(password_hash) < self._cost

    def _compare(self, attempt: bytes, password_hash: str) -> bool:
        if bcrypt.checkpw(attempt, password_hash.encode()):
            return True
        # Pad the time of a mismatch. Each cost step doubles it: 2^a + (2^a + 2^(a+1) + ... + 2^(b-1)) = 2^b.
        for cost in range(_cost_of(password_hash), self._cost):
            bcrypt.checkpw(attempt, _at_cost(self._dummy_hash, cost).encode())
        return False

    async def _run(self, work: Callable[[], T]) -> T:
        left = remaining()
        expected = self._seconds * (self._waiting // self._threads + 1)
        is_first = not self._waiting
        is_full = self._waiting >= self._max_waiting
        if not is_first and (is_full or (left is not None and expected > left * _MAX_SHARE_OF_DEADLINE)):
            raise TooBusy()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._run_measured, work, deadline.get(), is_first)
        finally:
            self._waiting -= 1

    def _run_measured(self, work: Callable[[], T], call_deadline: float | None, is_first: bool) -> T:
        # Queued for too long: the caller's deadline would pass first. Doubled, because this hash may take longer than the average.
        expected = 0.0 if is_first else 2 * self._seconds
        if call_deadline is not None and time.monotonic() + expected > call_deadline:
            raise TooBusy()
        started = time.perf_counter()
        try:
            return work()
        finally:
            seconds = time.perf_counter() - started
            self._seconds += (seconds - self._seconds) * (_EWMA_WEIGHT if self._seconds else 1.0)


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


def _cost_of(password_hash: str) -> int:
    """12 for $2b$12$..."""
    return int(password_hash.split("$")[2])


def _at_cost(password_hash: str, cost: int) -> str:
    _, version, _, rest = password_hash.split("$")
    return f"${version}${cost:02d}${rest}"
