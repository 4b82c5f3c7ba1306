"""Concurrent calls for one key share one execution."""

import asyncio

import pytest

from kit.work import SingleFlight


class Source:
    """A slow call that counts its executions."""

    def __init__(self) -> None:
        self.calls = 0
        self.release = asyncio.Event()

    async def load(self) -> int:
        self.calls += 1
        await self.release.wait()
        return self.calls


async def test_concurrent_callers_of_a_key_share_one_call() -> None:
    source, flights = Source(), SingleFlight[str, int]()
    callers = [asyncio.create_task(flights.run("a", source.load)) for _ in range(3)]
    await asyncio.sleep(0)
    source.release.set()
    assert await asyncio.gather(*callers) == [1, 1, 1]


async def test_a_later_call_runs_again() -> None:
    source, flights = Source(), SingleFlight[str, int]()
    source.release.set()
    assert [await flights.run("a", source.load), await flights.run("a", source.load)] == [1, 2]


async def test_other_keys_have_their_own_calls() -> None:
    source, flights = Source(), SingleFlight[str, int]()
    source.release.set()
    await asyncio.gather(flights.run("a", source.load), flights.run("b", source.load))
    assert source.calls == 2


async def test_a_cancelled_caller_does_not_cancel_the_others() -> None:
    source, flights = Source(), SingleFlight[str, int]()
    first, second = (asyncio.create_task(flights.run("a", source.load)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    source.release.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_an_error_reaches_all_callers() -> None:
    flights = SingleFlight[str, int]()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise KeyError("a")

    results = await asyncio.gather(flights.run("a", fail), flights.run("a", fail), return_exceptions=True)
    assert [type(result) for result in results] == [KeyError, KeyError]
