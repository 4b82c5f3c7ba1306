"""Periodic sweeps."""

import asyncio

from kit.testing import eventually
from kit.work import PeriodicJob


class Sweep:
    """Counts its runs and how many were at once."""

    def __init__(self, seconds: float = 0.0, fails: int = 0) -> None:
        self.runs = 0
        self.max_at_once = 0
        self._at_once = 0
        self._seconds = seconds
        self._fails = fails

    async def run(self) -> None:
        self._at_once += 1
        self.max_at_once = max(self.max_at_once, self._at_once)
        await asyncio.sleep(self._seconds)
        self._at_once -= 1
        self.runs += 1
        if self.runs <= self._fails:
            raise KeyError


async def test_it_runs_again_and_again_and_ends_when_closed() -> None:
    sweep = Sweep()
    every = PeriodicJob("sweep", 0.01, sweep.run)
    await every.open()
    await eventually(lambda: sweep.runs >= 3)
    await every.close()
    runs = sweep.runs
    await asyncio.sleep(0.05)

    assert sweep.runs == runs


async def test_it_never_overlaps_itself() -> None:
    sweep = Sweep(seconds=0.03)
    every = PeriodicJob("sweep", 0.001, sweep.run)
    await every.open()
    await eventually(lambda: sweep.runs >= 3)
    await every.close()

    assert sweep.max_at_once == 1


async def test_a_failure_does_not_end_it() -> None:
    sweep = Sweep(fails=2)
    every = PeriodicJob("sweep", 0.01, sweep.run)
    await every.open()
    await eventually(lambda: sweep.runs >= 4)
    await every.close()


async def test_closing_lets_a_run_end() -> None:
    sweep = Sweep(seconds=0.1)
    every = PeriodicJob("sweep", 0.001, sweep.run)
    await every.open()
    await eventually(lambda: sweep.max_at_once == 1)
    await every.close()

    assert sweep.runs >= 1
