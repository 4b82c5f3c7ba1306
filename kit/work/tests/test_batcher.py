"""Group commit."""

import asyncio
from collections.abc import Sequence

import pytest

from kit.errors import Contention, Unavailable
from kit.values.deadline import deadline
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

    async def unavailable(numbers: Sequence[int]) -> list[int | BaseException]:
        calls.append(len(numbers))
        raise Unavailable("the database is unavailable")

    batcher = Batcher(unavailable)
    results = await asyncio.gather(*(batcher.run(number) for number in (1, 2, 3)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    assert calls == [3]


async def test_contention_over_one_item_fails_that_item_alone() -> None:
    batches: list[list[int]] = []

    async def busy(numbers: Sequence[int]) -> list[int | BaseException]:
        batches.append(list(numbers))
        if 3 in numbers:
            raise Contention("busy")
        return list(numbers)

    batcher = Batcher(busy)
    results = await asyncio.gather(*(batcher.run(number) for number in range(8)), return_exceptions=True)
    assert [result for result in results if isinstance(result, int)] == [0, 1, 2, 4, 5, 6, 7]
    assert isinstance(results[3], Contention)
    assert batches == [list(range(8)), [0, 1, 2, 3], [0, 1], [2, 3], [2], [3], [4, 5, 6, 7]]


async def test_a_batch_may_take_as_long_as_the_most_patient_of_its_callers_waits() -> None:
    seen: list[float | None] = []

    async def look(numbers: Sequence[int]) -> list[int | BaseException]:
        seen.append(deadline.get())
        return list(numbers)

    batcher = Batcher(look)

    async def call(until: float | None) -> None:
        deadline.set(until)
        await batcher.run(1)

    await asyncio.gather(call(10.0), call(30.0), call(20.0))
    await asyncio.gather(call(10.0), call(None))
    assert seen == [30.0, None]
