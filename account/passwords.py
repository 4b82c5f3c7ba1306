"""bcrypt on a bounded pool of threads, so that a storm of logins never slows other calls."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import bcrypt
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from account.errors import TooBusy
from kit.telemetry import get_logger
from kit.values import deadline, remaining

log = get_logger(__name__)

T = TypeVar("T")

# OWASP ASVS 5.0, 6.2.4: at least the commonest 3,000.
COMMON_PASSWORDS = frozenset(FREQUENCY_LISTS["passwords"][:3000])
# Where hashing cannot be what a core does when it has nothing else to do.
_NICENESS: Final = 19
# How fast the measure of a hash's time follows.
_WEIGHT: Final = 0.2
# Of a caller's time, what waiting and hashing may take: the machine may be busier in a while, and there is an answer to write.
_SHARE: Final = 0.8


class BcryptPasswords:
    """A resource that hashes with bcrypt.

    It uses one core less than there are, and at least one. At most `waiting` calls wait for it, and none that could not be served within
    its caller's deadline; the others are refused at once. A call that waits for no other is always served: how long it takes is how a
    measure recovers that was made while the process was frozen or the machine busy.
    """

    name = "passwords"

    def __init__(self, *, cost: int, waiting: int) -> None:
        self._cost = cost
        self._most = waiting
        self._waiting = 0
        self._seconds = 0.0
        self._threads = max(1, (os.cpu_count() or 1) - 1)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="bcrypt", initializer=_be_nice)
        # Compared with when there is no account, so that the answer takes as long as for one.
        self._nobody = bcrypt.hashpw(os.urandom(16).hex().encode(), bcrypt.gensalt(cost)).decode()

    async def open(self) -> None:
        """Nothing: threads start when needed."""

    async def close(self) -> None:
        """Lets what is being hashed end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def ping(self) -> None:
        """Always well: a full queue is no reason to take the service out."""

    async def hash(self, password: bytes) -> str:
        """A fresh salted hash."""
        return (await self._run(lambda: bcrypt.hashpw(password, bcrypt.gensalt(self._cost)))).decode()

    async def matches(self, password: bytes, password_hash: str | None) -> bool:
        """Whether the password is the hashed one; without a hash, or with one from when hashing cost less, a refusal takes as long."""
        against = self._nobody if password_hash is None else password_hash
        # bcrypt refuses longer ones and cuts at NUL; no password here has either, but what is tried may.
        tried = password[:72].replace(b"\0", b"\xff")
        same = await self._run(lambda: self._compared(tried, against))
        return same and password_hash is not None and tried == password

    def is_weak(self, password_hash: str) -> bool:
        """Whether the hash cost less than one would now."""
        return _cost_of(password_hash) < self._cost

    def _compared(self, tried: bytes, against: str) -> bool:
        if bcrypt.checkpw(tried, against.encode()):
            return True
        # Each step of the cost doubles the time: 2^a + (2^a + 2^(a+1) + ... + 2^(b-1)) = 2^b.
        for cost in range(_cost_of(against), self._cost):
            bcrypt.checkpw(tried, _at_cost(self._nobody, cost).encode())
        return False

    async def _run(self, work: Callable[[], T]) -> T:
        left = remaining()
        expected = self._seconds * (self._waiting // self._threads + 1)
        is_first = not self._waiting
        if not is_first and (self._waiting >= self._most or (left is not None and expected > left * _SHARE)):
            raise TooBusy()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._timed, work, deadline.get(), is_first)
        finally:
            self._waiting -= 1

    def _timed(self, work: Callable[[], T], gives_up: float | None, is_first: bool) -> T:
        # It took longer than expected to come to this one: nobody would be there for the answer. Twice, because the next may take longer.
        expected = 0.0 if is_first else 2 * self._seconds
        if gives_up is not None and time.monotonic() + expected > gives_up:
            raise TooBusy()
        began = time.perf_counter()
        try:
            return work()
        finally:
            took = time.perf_counter() - began
            self._seconds += (took - self._seconds) * (_WEIGHT if self._seconds else 1.0)


def _be_nice() -> None:
    # Hashing takes all of a core, and gives it up at once to whoever else wakes on it: niceness would only share it less, and
    # is weighed within a session or container alone. Linux alone knows priorities of threads.
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    try:
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
    except OSError as error:
        # Some sandboxes know no such policy.
        log.warning("passwords.not_idle", error=error.strerror)
        os.setpriority(os.PRIO_PROCESS, thread, _NICENESS)


def _cost_of(password_hash: str) -> int:
    """$2b$12$... says 12."""
    return int(password_hash.split("$")[2])


def _at_cost(password_hash: str, cost: int) -> str:
    _, version, _, rest = password_hash.split("$")
    return f"${version}${cost:02d}${rest}"
