"""Measures the scenarios of shop.js on a running stack."""

import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from dev.ports import Ports
from tests.e2e.shop import Shop
from tests.load.consistency import ConsistencyCheck
from tests.load.cpu import CpuTimes, Measurement, per_operation
from tests.load.generator import Figures, load
from tests.load.processes import paused
from tests.load.world import World

SCENARIOS = ("search", "product", "me", "login", "cart", "order", "checkout")
# What these cause after their response is measured on its own.
ORDERING = ("order", "checkout")
# What a response leaves to do at once: publishing events, writing a cache.
_SETTLE_SECONDS = 1.0
_MAX_ROUNDS = 30


@dataclass(frozen=True)
class Result:
    """A measured scenario; `cpu`: milliseconds per operation by component, on this machine."""

    operations: int
    failed: int
    seconds: float
    p50: float
    p95: float
    cpu: CpuTimes

    def __str__(self) -> str:
        rate = self.operations / max(self.seconds, 0.001)
        return f"{rate:,.0f}/s, p50 {self.p50:.0f} ms, p95 {self.p95:.0f} ms, {self.failed} errors"


@dataclass
class Bench:
    """A stack with a world to measure; `answered`: orders placed under keys that start with `run`.

    `frozen`: payment and notification are frozen the whole time, by the caller.
    """

    gateway: str
    ports: Ports
    shop: Shop
    check: ConsistencyCheck
    world: World
    file: Path
    users: int
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    answered: int = 0
    frozen: bool = False
    _idle: dict[bool, Mapping[str, float]] = field(default_factory=dict)
    _runs: int = 0

    async def idle(self, seconds: float, *, background: bool = True) -> Mapping[str, float]:
        """Milliseconds of CPU time per second by component; without `background`, payment and notification are frozen."""
        with self._background(background):
            await asyncio.sleep(_SETTLE_SECONDS)
            measurement = Measurement.start(self.ports)
            await asyncio.sleep(seconds)
            self._idle[background] = measurement.per_second()
        return self._idle[background]

    async def warm_up(self, scenario: str, seconds: float) -> None:
        """Compiled JVM code, filled caches, prepared statements."""
        await self._load(scenario, seconds)

    async def measure(self, scenario: str, seconds: float) -> Result:
        """Runs a scenario and subtracts the load of the idle stack, which must have been measured."""
        background = not self.frozen and scenario not in ORDERING
        with self._background(background):
            if scenario == "checkout":
                return await self._measure_checkouts(seconds)
            measurement = Measurement.start(self.ports)
            figures = await self._load(scenario, seconds)
            await asyncio.sleep(_SETTLE_SECONDS)
            return result([figures], measurement.used(self._idle[background]))

    async def drain(self, seconds: float) -> Result:
        """The work that orders leave behind, at most for `seconds`: charges, events, two mails."""
        measurement = Measurement.start(self.ports)
        start = time.monotonic()
        first, _ = await self.check.unfinished()
        pending, queued, polls = first, 0, 0
        # A mail is queued shortly after its order is confirmed.
        while polls < 2 and time.monotonic() - start < seconds:
            await asyncio.sleep(1)
            pending, queued = await self.check.unfinished()
            polls = 0 if pending or queued else polls + 1
        used = measurement.used(self._idle[True])
        done = first - pending
        return Result(done, pending, time.monotonic() - start, 0, 0, per_operation(used, done))

    async def _measure_checkouts(self, seconds: float) -> Result:
        """In rounds, because a buyer has one cart: filling the carts is not measured."""
        rounds: list[Figures] = []
        used: dict[str, float] = {}
        while not rounds or (sum(done.seconds for done in rounds) < seconds and len(rounds) < _MAX_ROUNDS):
            (await self.world.with_carts(self.shop)).write(self.file)
            measurement = Measurement.start(self.ports)
            rounds.append(await self._load("checkout", seconds))
            await asyncio.sleep(_SETTLE_SECONDS)
            for component, ms in measurement.used(self._idle[False]).items():
                used[component] = used.get(component, 0) + ms
        return result(rounds, used)

    def _background(self, running: bool) -> AbstractContextManager[None]:
        return nullcontext() if running or self.frozen else paused(self.ports)

    async def _load(self, scenario: str, seconds: float, rate: int = 0) -> Figures:
        self._runs += 1
        run = f"{self.run}-{self._runs}"
        figures = load(scenario, self.gateway, self.file, run, self.users, seconds, rate)
        if scenario in ("order", "journey"):
            self.answered += figures.successful
        return figures

    async def open_loop(self, rate: int, seconds: float) -> tuple[str, Figures]:
        """Places orders at a rate; also returns what their keys start with."""
        figures = await self._load("journey", seconds, rate)
        return f"{self.run}-{self._runs}", figures


@asynccontextmanager
async def opened(
    gateway: str, ports: Ports, *, users: int, buyers: int, products: int, shoppers: int
) -> AsyncIterator[Bench]:
    """Prepares a world on a running stack."""
    check = await ConsistencyCheck.open(f"postgresql://souk:souk@127.0.0.1:{ports.postgresql}")
    mails, stripe = (f"http://127.0.0.1:{port}" for port in (ports.mail_web, ports.stripe))
    try:
        async with Shop(gateway, mails, stripe) as shop:
            world = await World.prepare(
                shop, users=users, buyers=buyers, products=products, shoppers=shoppers
            )
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "world.json")
                world.write(file)
                yield Bench(gateway, ports, shop, check, world, file, users)
    finally:
        await check.close()


def result(rounds: Sequence[Figures], used: CpuTimes) -> Result:
    """Of rounds together; latencies are the medians of the rounds'."""
    operations = sum(figures.successful for figures in rounds)
    return Result(
        operations,
        sum(figures.failed for figures in rounds),
        sum(figures.seconds for figures in rounds),
        statistics.median(figures.p50 for figures in rounds),
        statistics.median(figures.p95 for figures in rounds),
        per_operation(used, operations),
    )
