"""Whole journeys in an open loop: orders start at a rate, and each ends when its confirmation mail arrives.

A rate is sustained if every order was answered in time and confirmed, and the lag between order and mail does not grow.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from kit.values import ORDER
from tests.load.bench import Bench, Result
from tests.load.cpu import CpuTimes, Measurement, per_operation

# A queue that grows by 2 % of the rate is no queue that will ever be empty; half a second is noise.
_GROWTH = 0.02
_NOISE_SECONDS = 0.5
_CONFIRM_SECONDS = 180.0
_CONFIRMED = "Your order is confirmed"


@dataclass(frozen=True)
class Journeys:
    """One rate; `lags`: (second in which orders were placed, median seconds until their mails), milliseconds of `createOrder`."""

    rate: int
    seconds: float
    orders: int
    failed: int
    dropped: int
    unconfirmed: int
    p50: float
    p95: float
    first_lag: float
    last_lag: float
    lags: Sequence[tuple[int, float]]
    cpu: CpuTimes

    def as_result(self) -> Result:
        """Latencies are those of `createOrder`."""
        return Result(self.orders, self.failed, self.seconds, self.p50, self.p95, self.cpu)

    def reasons(self, p95_limit: float) -> list[str]:
        """Why the rate is not sustained; empty if it is."""
        allowed = max(_NOISE_SECONDS, _GROWTH * self.seconds * 2 / 3)
        reasons = {
            f"{self.failed} failed": self.failed > 0,
            f"{self.dropped} could not start in time": self.dropped > 0,
            f"{self.unconfirmed} not confirmed": self.unconfirmed > 0,
            f"p95 of createOrder {self.p95:.0f} ms": self.p95 >= p95_limit,
            f"the lag grew from {self.first_lag:.1f} to {self.last_lag:.1f} s": self.last_lag
            > self.first_lag + allowed,
        }
        return [reason for reason, applies in reasons.items() if applies]


def thirds(lags: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """The median lag in the first and in the last third of the time."""
    if not lags:
        return 0.0, 0.0
    third = max(1, len(lags) // 3)
    values = [lag for _, lag in lags]
    return statistics.median(values[:third]), statistics.median(values[-third:])


def lags_by_second(placed: Mapping[str, float], confirmed: Mapping[str, float]) -> list[tuple[int, float]]:
    """Median seconds between order and mail by the second since the first order; orders without a mail do not count."""
    start = min(placed.values(), default=0.0)
    by_second: dict[int, list[float]] = {}
    for order, created in placed.items():
        if order in confirmed:
            by_second.setdefault(int(created - start), []).append(confirmed[order] - created)
    return [(second, statistics.median(lags)) for second, lags in sorted(by_second.items())]


def confirmations(received: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """When the first confirmation mail of each order arrived."""
    times: dict[str, float] = {}
    for mail in received:
        if mail["subject"] == _CONFIRMED:
            for order in mail["orders"]:
                times[order] = min(mail["time"], times.get(order, mail["time"]))
    return times


async def measure(bench: Bench, rate: int, seconds: float, idle: CpuTimes) -> Journeys:
    """Places orders at a rate, waits for their mails and subtracts the load of the idle stack."""
    counted = len(await _received(bench, 0))
    measurement = Measurement.start(bench.ports)
    run, figures = await bench.open_loop(rate, seconds)
    placed = {ORDER.format(id): created.timestamp() for id, created in await bench.check.order_times(run)}
    confirmed: dict[str, float] = {}
    end = time.monotonic() + _CONFIRM_SECONDS
    while not placed.keys() <= confirmed.keys() and time.monotonic() < end:
        await asyncio.sleep(1)
        received = await _received(bench, counted)
        counted += len(received)
        confirmed |= confirmations(received)
    used = measurement.used(idle)
    lags = lags_by_second(placed, confirmed)
    return Journeys(
        rate,
        seconds,
        figures.successful,
        figures.failed,
        figures.dropped,
        len(placed.keys() - confirmed.keys()),
        figures.p50,
        figures.p95,
        *thirds(lags),
        lags,
        per_operation(used, len(placed)),
    )


async def find_highest(first: int, limit: int, sustained: Callable[[int], Awaitable[bool]]) -> int:
    """The highest sustained rate to within a tenth: raised by half until one is not sustained, then halved between.

    0 if none is. None above `limit` is tried.
    """
    low, high = 0, first
    while await sustained(high):
        if high >= limit:
            return high
        low, high = high, min(limit, high + max(1, high // 2))
    while high - low > max(1, low // 10):
        middle = (low + high) // 2
        if await sustained(middle):
            low = middle
        else:
            high = middle
    return low


async def _received(bench: Bench, first: int) -> list[Mapping[str, Any]]:
    """The mails that arrived after the first ones."""
    async with httpx.AsyncClient(timeout=30) as http:
        response = await http.get(f"http://127.0.0.1:{bench.ports.mail_web}/received", params={"from": first})
    mails: list[Mapping[str, Any]] = response.raise_for_status().json()
    return mails
