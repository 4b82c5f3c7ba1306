"""Group commit."""

import asyncio
from collections.abc import Sequence

import pytest

from kit.errors import Unavailable
from kit.work import Batcher


class Store:
    """Doubles numbers, many at once; remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def double(self, numbers: Sequence[int]) -> list[int | BaseException]:
        self.batches.append(list(numbers))
        await asyncio.sleep(0)
        if 13 in numbers and len(numbers) > 1:
            raise RuntimeError("the batch fails")
        return [KeyError(number) if number in (7, 13) else number * 2 for number in numbers]


async def test_those_who_come_while_a_batch_is_in_flight_go_together() -> None:
    store = Store()
    batcher = Batcher(store.double)

    first = asyncio.create_task(batcher.run(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batcher.run(number)) for number in (2, 3, 4)]

    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert store.batches == [[1], [2, 3, 4]]


async def test_a_batch_has_a_limit() -> None:
    store = Store()
    batcher = Batcher(store.double, limit=2)

    await asyncio.gather(*(batcher.run(number) for number in range(5)))

    assert store.batches == [[0, 1], [2, 3], [4]]


async def test_each_fails_alone() -> None:
    batcher = Batcher(Store().double)

    results = await asyncio.gather(*(batcher.run(number) for number in (1, 7, 2)), return_exceptions=True)

    assert results[0] == 2
    assert isinstance(results[1], KeyError)
    assert results[2] == 4


async def test_when_a_batch_fails_each_is_run_by_itself() -> None:
    store = Store()
    batcher = Batcher(store.double)

    results = await asyncio.gather(*(batcher.run(number) for number in (1, 13, 2)), return_exceptions=True)

    assert [results[0], results[2]] == [2, 4]
    assert isinstance(results[1], KeyError)
    assert store.batches == [[1, 13, 2], [1], [13], [2]]


async def test_who_gave_up_before_the_batch_is_not_worked_for() -> None:
    store = Store()
    batcher = Batcher(store.double)
    tasks = [asyncio.create_task(batcher.run(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    tasks[1].cancel()

    assert await tasks[0] == 2
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    assert store.batches == [[1]]


async def test_an_outage_is_everybodys() -> None:
    calls: list[int] = []

    async def away(numbers: Sequence[int]) -> list[int | BaseException]:
        calls.append(len(numbers))
        raise Unavailable("the database is away")

    batcher = Batcher(away)
    results = await asyncio.gather(*(batcher.run(number) for number in (1, 2, 3)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    assert calls == [3]
