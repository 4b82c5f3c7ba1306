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
from kit.values.deadline import deadline


@pytest.fixture
async def passwords() -> AsyncIterator[BcryptPasswords]:
    passwords = BcryptPasswords(cost=4, waiting=4)
    yield passwords
    await passwords.close()


async def test_a_password_matches_only_its_own_hash(passwords: BcryptPasswords) -> None:
    hashed = await passwords.hash(b"correct horse")
    assert await passwords.matches(b"correct horse", hashed)
    assert not await passwords.matches(b"Correct horse", hashed)
    assert not await passwords.matches(b"correct horse", None)


async def test_bytes_after_the_72nd_are_compared(passwords: BcryptPasswords) -> None:
    hashed = await passwords.hash(b"x" * 72)
    assert await passwords.matches(b"x" * 72, hashed)
    assert not await passwords.matches(b"x" * 73, hashed)
    assert not await passwords.matches(b"x" * 71 + b"\0", hashed)


async def test_calls_beyond_the_queue_are_rejected(passwords: BcryptPasswords) -> None:
    outcomes = await asyncio.gather(*(passwords.hash(b"password") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, TooBusy) for outcome in outcomes) == 6
    assert await passwords.hash(b"password")


async def test_calls_that_would_miss_their_deadline_are_rejected_at_once() -> None:
    passwords = BcryptPasswords(cost=8, waiting=1000)
    await passwords.hash(b"password")
    started = time.perf_counter()
    token = deadline.set(time.monotonic() + 0.5)
    outcomes = await asyncio.gather(
        *(passwords.hash(b"password") for _ in range(1000)), return_exceptions=True
    )
    deadline.reset(token)
    rejected = sum(isinstance(outcome, TooBusy) for outcome in outcomes)
    assert 0 < rejected < 1000
    # The others took about as long as their deadline; the margin is for a busy machine.
    assert time.perf_counter() - started < 10
    assert await passwords.hash(b"password")
    await passwords.close()


async def test_a_call_whose_deadline_passed_in_the_queue_is_not_hashed(passwords: BcryptPasswords) -> None:
    gate, end = threading.Event(), time.monotonic() + 0.05
    for _ in range(passwords._threads):
        passwords._pool.submit(gate.wait)
    token = deadline.set(end)
    waiting = asyncio.create_task(passwords.hash(b"password"))
    deadline.reset(token)
    await asyncio.sleep(end - time.monotonic())
    gate.set()
    with pytest.raises(TooBusy):
        await waiting


async def test_a_measurement_from_a_frozen_process_is_corrected(passwords: BcryptPasswords) -> None:
    """A hash took as long as the freeze. If that measurement rejected every call, no later hash could correct it."""
    await passwords.hash(b"password")
    passwords._seconds = 40.0
    for _ in range(3):
        token = deadline.set(time.monotonic() + 5)
        assert await passwords.hash(b"password")
        deadline.reset(token)
    assert passwords._seconds < 40.0


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
    assert await new.matches(b"password", old_hash)
    await old.close()
    await new.close()


async def test_hashing_uses_only_spare_cpu_time(passwords: BcryptPasswords) -> None:
    assert await passwords._run(lambda: os.sched_getscheduler(threading.get_native_id())) == os.SCHED_IDLE
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
