"""bcrypt off the event loop, bounded, and honest about its 72 bytes."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator

import pytest

from account.errors import TooBusy
from account.passwords import COMMON_PASSWORDS, BcryptPasswords
from kit.values.deadline import deadline


@pytest.fixture
async def passwords() -> AsyncIterator[BcryptPasswords]:
    passwords = BcryptPasswords(cost=4, waiting=4)
    yield passwords
    await passwords.close()


async def test_a_password_matches_its_own_hash_only(passwords: BcryptPasswords) -> None:
    hashed = await passwords.hash(b"correct horse")
    assert await passwords.matches(b"correct horse", hashed)
    assert not await passwords.matches(b"Correct horse", hashed)
    assert not await passwords.matches(b"correct horse", None)


async def test_what_follows_72_bytes_is_not_ignored(passwords: BcryptPasswords) -> None:
    hashed = await passwords.hash(b"x" * 72)
    assert await passwords.matches(b"x" * 72, hashed)
    assert not await passwords.matches(b"x" * 73, hashed)
    assert not await passwords.matches(b"x" * 71 + b"\0", hashed)


async def test_a_storm_is_refused_beyond_the_bound(passwords: BcryptPasswords) -> None:
    outcomes = await asyncio.gather(*(passwords.hash(b"password") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, TooBusy) for outcome in outcomes) == 6
    assert await passwords.hash(b"password")


async def test_who_cannot_be_served_in_time_is_refused_at_once() -> None:
    passwords = BcryptPasswords(cost=8, waiting=1000)
    await passwords.hash(b"password")
    began = time.perf_counter()
    token = deadline.set(time.monotonic() + 0.5)
    outcomes = await asyncio.gather(
        *(passwords.hash(b"password") for _ in range(1000)), return_exceptions=True
    )
    deadline.reset(token)
    refused = sum(isinstance(outcome, TooBusy) for outcome in outcomes)
    assert 0 < refused < 1000
    # The rest took about as long as its callers had; how busy the machine is is not ours.
    assert time.perf_counter() - began < 10
    assert await passwords.hash(b"password")
    await passwords.close()


async def test_whose_time_is_over_when_their_turn_comes_costs_no_hash(passwords: BcryptPasswords) -> None:
    gate, at = threading.Event(), time.monotonic() + 0.05
    for _ in range(passwords._threads):
        passwords._pool.submit(gate.wait)
    token = deadline.set(at)
    waiting = asyncio.create_task(passwords.hash(b"password"))
    deadline.reset(token)
    await asyncio.sleep(at - time.monotonic())
    gate.set()
    with pytest.raises(TooBusy):
        await waiting


async def test_a_process_that_was_frozen_while_it_hashed_lets_people_in_again(
    passwords: BcryptPasswords,
) -> None:
    """The hash took as long as the freeze; with that measure alone no other would be begun, and none would correct it."""
    await passwords.hash(b"password")
    passwords._seconds = 40.0
    for _ in range(3):
        token = deadline.set(time.monotonic() + 5)
        assert await passwords.hash(b"password")
        deadline.reset(token)
    assert passwords._seconds < 40.0


async def test_a_refusal_takes_as_long_for_nobody_as_for_an_old_hash() -> None:
    old, new = BcryptPasswords(cost=4, waiting=4), BcryptPasswords(cost=10, waiting=4)
    cheap, dear = await old.hash(b"password"), await new.hash(b"password")
    assert (new.is_weak(cheap), new.is_weak(dear)) == (True, False)

    def takes(password_hash: str) -> float:
        """Of the processor, so that it is not counted what others do."""
        times = []
        for _ in range(5):
            began = time.thread_time()
            assert not new._compared(b"wrong", password_hash)
            times.append(time.thread_time() - began)
        return min(times)

    seconds = [takes(each) for each in (new._nobody, dear, cheap)]
    assert max(seconds) < 1.5 * min(seconds)
    assert await new.matches(b"password", cheap)
    await old.close()
    await new.close()


async def test_hashing_gives_its_core_up_to_whoever_wants_it(passwords: BcryptPasswords) -> None:
    assert await passwords._run(lambda: os.sched_getscheduler(threading.get_native_id())) == os.SCHED_IDLE
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


async def test_the_loop_goes_on_while_passwords_are_hashed(passwords: BcryptPasswords) -> None:
    slow = BcryptPasswords(cost=12, waiting=1)
    hashing = asyncio.create_task(slow.hash(b"password"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
    await slow.close()


def test_the_commonest_passwords_are_known() -> None:
    assert len(COMMON_PASSWORDS) == 3000
    assert {"password", "12345678", "qwertyuiop"} <= COMMON_PASSWORDS
