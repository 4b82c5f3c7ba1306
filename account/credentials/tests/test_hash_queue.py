"""The queue of hashing: callers that can be served in time are served in order of arrival; others are rejected before their deadline."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from account.attempts.errors import TooBusy
from account.credentials.hash_queue import HashQueue
from kit.testing import eventually
from kit.values.deadline import deadline


@pytest.fixture
async def queue() -> AsyncIterator[HashQueue]:
    queue = HashQueue(100)
    yield queue
    queue.close()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    token = deadline.set(time.monotonic() + seconds)
    yield
    deadline.reset(token)


async def outcomes(calls: list[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_sixteen_that_can_be_served_in_time_are_served_though_hashing_was_slow_before(
    queue: HashQueue,
) -> None:
    for _ in range(3):
        await queue.run(lambda: time.sleep(0.5))
    with within(4):
        served = await outcomes([queue.run(lambda: time.sleep(0.1)) for _ in range(16)])
    assert served == [None] * 16


async def test_more_than_the_bound_are_rejected_at_once() -> None:
    queue, gate = HashQueue(4), threading.Event()
    calls = [asyncio.create_task(queue.run(gate.wait)) for _ in range(10)]
    done, _ = await asyncio.wait(calls, timeout=1)
    assert [type(call.exception()) for call in done] == [TooBusy] * 6
    gate.set()
    assert (await outcomes(list(calls))).count(True) == 4
    assert await queue.run(lambda: 1) == 1
    queue.close()


async def test_a_caller_whose_turn_does_not_come_is_rejected_before_its_deadline(queue: HashQueue) -> None:
    gate = threading.Event()
    blocking = asyncio.create_task(queue.run(gate.wait))
    await eventually(lambda: queue._callers == 1)
    with within(0.5):
        started = time.monotonic()
        with pytest.raises(TooBusy):
            await queue.run(lambda: 1)
        assert 0.3 < time.monotonic() - started < 0.5
    gate.set()
    assert await blocking


async def test_a_caller_whose_hash_takes_too_long_is_rejected_before_its_deadline(queue: HashQueue) -> None:
    gate = threading.Event()
    with within(0.5):
        started = time.monotonic()
        with pytest.raises(TooBusy):
            await queue.run(gate.wait)
        assert time.monotonic() - started < 0.5
    gate.set()


async def test_what_not_even_an_idle_machine_could_hash_in_time_is_rejected_at_once(queue: HashQueue) -> None:
    def work() -> None:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass

    await queue.run(work)
    with within(0.5):
        calls = [asyncio.create_task(queue.run(work)) for _ in range(100)]
        done, pending = await asyncio.wait(calls, timeout=0.2)
    rejected = [call for call in done if isinstance(call.exception(), TooBusy)]
    assert len(rejected) >= 100 - 4 * queue._threads
    await outcomes(list(pending))


async def test_work_whose_callers_have_left_does_not_run(queue: HashQueue) -> None:
    gate, ran = threading.Event(), []
    blocking = [asyncio.create_task(queue.run(gate.wait)) for _ in range(queue._threads)]
    left = asyncio.create_task(queue.run(lambda: ran.append("left"), "key"))
    waiting = queue._threads + 1
    await eventually(lambda: queue._callers == waiting)
    left.cancel()
    await eventually(lambda: queue._callers == waiting - 1)
    stays = asyncio.create_task(queue.run(lambda: ran.append("stays"), "key"))
    await eventually(lambda: queue._callers == waiting)
    gate.set()
    await asyncio.gather(stays, *blocking)
    assert ran == ["stays"]


async def test_a_shared_run_waits_for_its_turn_as_long_as_its_last_caller(queue: HashQueue) -> None:
    gate = threading.Event()
    blocking = [asyncio.create_task(queue.run(gate.wait)) for _ in range(queue._threads)]
    with within(0.2):
        hasty = asyncio.create_task(queue.run(lambda: 1, "key"))
    await asyncio.sleep(0)
    patient = asyncio.create_task(queue.run(lambda: 2, "key"))
    with pytest.raises(TooBusy):
        await hasty
    gate.set()
    assert await patient == 1
    await asyncio.gather(*blocking)


async def test_a_process_that_was_frozen_while_it_hashed_serves_again(queue: HashQueue) -> None:
    queue._seconds.extend([40.0] * 9)
    with within(5):
        assert [await queue.run(lambda: 1) for _ in range(3)] == [1] * 3
    queue._seconds.extend([0.1] * 8 + [40.0])
    with within(5):
        assert await outcomes([queue.run(lambda: 1) for _ in range(16)]) == [1] * 16
