"""bcrypt on a bounded thread pool, so that a storm of logins does not slow down other calls."""

import os
from collections.abc import Hashable

import bcrypt

from account.credentials.hash_queue import HashQueue


class BcryptPasswords:
    """A resource that hashes with bcrypt. At most `waiting` callers wait for it."""

    name = "passwords"

    def __init__(self, *, cost: int, waiting: int) -> None:
        self._cost = cost
        self._queue = HashQueue(waiting)
        # Compared with when there is no account, so that the response takes the same time.
        self._dummy_hash = bcrypt.hashpw(os.urandom(16).hex().encode(), bcrypt.gensalt(cost)).decode()

    async def open(self) -> None:
        """Nothing to open: the pool starts its threads on demand."""

    async def close(self) -> None:
        """Cancels queued calls; running ones complete."""
        self._queue.close()

    async def ping(self) -> None:
        """Always healthy: a full queue is no reason to stop traffic to the replica."""

    async def hash(self, password: bytes) -> str:
        """A new salted hash; raises TooBusy."""
        return (await self._queue.run(lambda: bcrypt.hashpw(password, bcrypt.gensalt(self._cost)))).decode()

    async def matches(self, password: bytes, password_hash: str | None, subject: Hashable) -> bool:
        """Compares; raises TooBusy. A mismatch takes the same time without a hash and with a hash of a lower cost.

        Equal comparisons of a subject at the same time run once. The subject, such as an address, makes that the same without a hash.
        """
        compared = self._dummy_hash if password_hash is None else password_hash
        # bcrypt rejects longer input and stops at NUL. No stored password has either, but an attempt may.
        attempt = password[:72].replace(b"\0", b"\xff")
        key = (subject, attempt, compared)
        same = await self._queue.run(lambda: self._compare(attempt, compared), key)
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


def _cost_of(password_hash: str) -> int:
    """12 for $2b$12$..."""
    return int(password_hash.split("$")[2])


def _at_cost(password_hash: str, cost: int) -> str:
    _, version, _, rest = password_hash.split("$")
    return f"${version}${cost:02d}${rest}"
