"""bcrypt: outside the event loop, bounded, and correct beyond 72 bytes."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator

import pytest

from account.attempts.errors import TooBusy
from account.credentials.domain import COMMON_PASSWORDS
from account.credentials.passwords import BcryptPasswords


@pytest.fixture
async def passwords() -> AsyncIterator[BcryptPasswords]:
    passwords = BcryptPasswords(cost=4, waiting=4)
    yield passwords
    await passwords.close()


async def test_a_password_matches_only_its_own_hash(passwords: BcryptPasswords) -> None:
    hashed = await passwords.hash(b"correct horse")
    assert await passwords.matches(b"correct horse", hashed, "john")
    assert not await passwords.matches(b"Correct horse", hashed, "john")
    assert not await passwords.matches(b"correct horse", None, "john")


async def test_bytes_after_the_72nd_are_compared(passwords: BcryptPasswords) -> None:
    hashed = await passwords.hash(b"x" * 72)
    assert await passwords.matches(b"x" * 72, hashed, "john")
    assert not await passwords.matches(b"x" * 73, hashed, "john")
    assert not await passwords.matches(b"x" * 71 + b"\0", hashed, "john")


async def test_calls_beyond_the_queue_are_rejected(passwords: BcryptPasswords) -> None:
    outcomes = await asyncio.gather(*(passwords.hash(b"password") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, TooBusy) for outcome in outcomes) == 6
    assert await passwords.hash(b"password")


async def test_sixteen_logins_of_one_account_at_once_compare_once(passwords: BcryptPasswords) -> None:
    hashed = await passwords.hash(b"password")
    many, compared = BcryptPasswords(cost=4, waiting=16), []
    compare = many._compare

    def counted(attempt: bytes, password_hash: str) -> bool:
        compared.append(attempt)
        time.sleep(0.05)
        return compare(attempt, password_hash)

    many._compare = counted  # type: ignore[method-assign]
    assert (
        await asyncio.gather(*(many.matches(b"password", hashed, "john") for _ in range(16))) == [True] * 16
    )
    assert len(compared) == 1
    assert await many.matches(b"password", hashed, "john"), "one after them compares again"
    assert len(compared) == 2
    await many.close()


async def test_equal_comparisons_of_different_subjects_or_passwords_are_separate(
    passwords: BcryptPasswords,
) -> None:
    compared, compare = [], passwords._compare

    def counted(attempt: bytes, password_hash: str) -> bool:
        compared.append(attempt)
        time.sleep(0.05)
        return compare(attempt, password_hash)

    passwords._compare = counted  # type: ignore[method-assign]
    tries = [(b"password", "john"), (b"password", "jane"), (b"passwort", "john"), (b"passwort", "john")]
    results = await asyncio.gather(*(passwords.matches(password, None, who) for password, who in tries))
    assert results == [False] * 4
    assert len(compared) == 3


async def test_a_mismatch_takes_the_same_time_for_any_hash_and_for_none() -> None:
    old, new = BcryptPasswords(cost=4, waiting=4), BcryptPasswords(cost=10, waiting=4)
    old_hash, new_hash = await old.hash(b"password"), await new.hash(b"password")
    assert (new.needs_rehash(old_hash), new.needs_rehash(new_hash)) == (True, False)

    def measure(password_hash: str) -> float:
        """CPU time, which other processes do not affect."""
        times = []
        for _ in range(5):
            started = time.thread_time()
            assert not new._compare(b"wrong", password_hash)
            times.append(time.thread_time() - started)
        return min(times)

    seconds = [measure(password_hash) for password_hash in (new._dummy_hash, new_hash, old_hash)]
    assert max(seconds) < 1.5 * min(seconds)
    assert await new.matches(b"password", old_hash, "john")
    await old.close()
    await new.close()


async def test_hashing_uses_only_spare_cpu_time(passwords: BcryptPasswords) -> None:
    assert (
        await passwords._queue.run(lambda: os.sched_getscheduler(threading.get_native_id())) == os.SCHED_IDLE
    )
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


async def test_hashing_does_not_block_the_event_loop(passwords: BcryptPasswords) -> None:
    slow = BcryptPasswords(cost=12, waiting=1)
    hashing = asyncio.create_task(slow.hash(b"password"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
    await slow.close()


def test_the_most_common_passwords_are_known() -> None:
    assert len(COMMON_PASSWORDS) == 3000
    assert {"password", "12345678", "qwertyuiop"} <= COMMON_PASSWORDS
