"""bcrypt on a bounded pool of threads, so that a storm of logins never slows other calls."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from account.errors import TooBusy

T = TypeVar("T")

# OWASP ASVS 5.0, 6.2.4: at least the commonest 3,000.
COMMON_PASSWORDS = frozenset(FREQUENCY_LISTS["passwords"][:3000])


class BcryptPasswords:
    """A resource that hashes with bcrypt.

    It uses one core less than there are, and at least one; at most `waiting` calls wait for it, the others are refused.
    """

    name = "passwords"

    def __init__(self, *, cost: int, waiting: int) -> None:
        self._cost = cost
        self._free = waiting
        self._pool = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="bcrypt")
        # Compared with when there is no account, so that the answer takes as long as for one.
        self._nobody = bcrypt.hashpw(os.urandom(16).hex().encode(), bcrypt.gensalt(cost))

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
        """Whether the password is the hashed one; without a hash it takes as long and says no."""
        against = self._nobody if password_hash is None else password_hash.encode()
        # bcrypt refuses longer ones and cuts at NUL; no password here has either, but what is tried may.
        tried = password[:72].replace(b"\0", b"\xff")
        same = await self._run(lambda: bcrypt.checkpw(tried, against))
        return same and password_hash is not None and tried == password

    def is_weak(self, password_hash: str) -> bool:
        """Whether the hash cost less than one would now."""
        return _cost_of(password_hash) < self._cost

    async def _run(self, work: Callable[[], T]) -> T:
        if self._free <= 0:
            raise TooBusy()
        self._free -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._free += 1


def _cost_of(password_hash: str) -> int:
    """$2b$12$... says 12."""
    return int(password_hash.split("$")[2])
