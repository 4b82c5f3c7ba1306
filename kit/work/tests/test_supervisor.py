"""Background loops: whatever ends one of them, it goes on, is logged and counted; or the process ends."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from kit.testing import eventually
from kit.work import Batcher, PeriodicJob, SupervisedTask, SupervisedThread, Worker
from kit.work.metrics import TASK_FAILURES


def _failures(name: str) -> float:
    value: float = TASK_FAILURES.labels(name)._value.get()
    return value


async def _cancelled() -> None:
    """As when something that is awaited was cancelled by others."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def _raises() -> None:
    raise KeyError("unexpected")


async def _returns() -> None:
    return


@pytest.mark.parametrize("end", [_cancelled, _raises, _returns])
async def test_a_task_goes_on_whatever_ended_it(end: object) -> None:
    name, runs, stop = f"task {end}", [], asyncio.Event()

    async def run() -> None:
        runs.append(1)
        if len(runs) < 3:
            await end()  # type: ignore[operator]
            return
        await stop.wait()

    task = SupervisedTask(name, run)
    task.start()
    await eventually(lambda: len(runs) == 3)
    stop.set()
    await task.stop(5)
    assert (len(runs), _failures(name)) == (3, 2)


async def test_a_task_that_does_not_end_by_itself_is_cancelled() -> None:
    record_fatal = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            record_fatal.set()

    task = SupervisedTask("stubborn", run)
    task.start()
    await asyncio.sleep(0)
    await task.stop(0.01)
    assert record_fatal.is_set()
    assert _failures("stubborn") == 0


async def test_a_thread_goes_on_after_a_failure_and_ends_when_asked() -> None:
    runs: list[int] = []
    stopping = threading.Event()

    def run() -> None:
        runs.append(1)
        if len(runs) < 3:
            raise KeyError
        stopping.wait()

    thread = SupervisedThread("thread", run, stopping)
    thread.start()
    await eventually(lambda: len(runs) == 3)
    stopping.set()
    assert await asyncio.to_thread(thread.join, 5.0)
    assert (len(runs), _failures("thread")) == (3, 2)


async def test_a_thread_that_cannot_go_on_ends_the_process() -> None:
    def run() -> None:
        raise SystemExit

    record_fatal = threading.Event()
    SupervisedThread("fatal", run, threading.Event(), fatal=record_fatal.set).start()
    await eventually(record_fatal.is_set)
    assert _failures("fatal") == 1


async def test_a_worker_whose_claim_answers_nonsense_goes_on() -> None:
    claims: list[int] = []
    handled: list[int] = []

    async def claim(limit: int) -> Sequence[int]:
        claims.append(limit)
        return {1: None, 2: [7]}.get(len(claims), [])  # type: ignore[return-value]

    async def handle(item: int) -> None:
        handled.append(item)

    worker = Worker("nonsense", claim, handle, concurrency=2, idle_seconds=0.01)
    await worker.open()
    await eventually(lambda: handled == [7])
    await worker.close()
    assert _failures("worker-nonsense") == 1


async def test_a_sweep_that_was_cancelled_from_within_runs_again() -> None:
    runs: list[int] = []

    async def sweep() -> None:
        runs.append(1)
        if len(runs) == 1:
            await _cancelled()

    every = PeriodicJob("cancelled", 0.01, sweep)
    await every.open()
    await eventually(lambda: len(runs) >= 3)
    await every.close()
    assert _failures("job-cancelled") == 1


async def test_callers_of_a_batch_that_was_cancelled_from_within_are_answered() -> None:
    async def cancelled(_: Sequence[int]) -> Sequence[int | BaseException]:
        await _cancelled()
        return []

    with pytest.raises(RuntimeError, match="cancelled from within"):
        await asyncio.wait_for(Batcher(cancelled).run(1), 5)


async def test_callers_of_a_batch_with_too_few_results_are_answered() -> None:
    async def few(_: Sequence[int]) -> Sequence[int | BaseException]:
        return []

    with pytest.raises(RuntimeError, match="0 results for 1"):
        await asyncio.wait_for(Batcher(few).run(1), 5)
