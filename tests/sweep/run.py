"""make sweep-test: cancels 10,000 overdue orders while shoppers order, on its own stack.

Prints the figures, and fails if an order failed or got no response, PostgreSQL reported a deadlock, stock was lost, or createOrder's p99 is
above the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from dev.ports import Ports
from dev.stack import Stack
from tests.e2e.shop import Person, Shop
from tests.sweep.overdue import OverdueOrders

_STOCK = 1_000_000
_PRODUCTS = 20
_BASKET = 4
_TIMEOUTS = ("DEADLINE_EXCEEDED", "SERVICE_UNAVAILABLE")
# Shoppers start before the sweep and stop after it, so that its start and end are measured too.
_BEFORE_SECONDS = 3.0
_AFTER_SECONDS = 2.0


@dataclass
class Figures:
    """The results of the shoppers during the sweep."""

    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    # No response in time; acceptable on a busy machine only.
    timeouts: Counter[str] = field(default_factory=Counter)
    sweep_seconds: float = 0.0
    deadlocks: int = 0
    missing: dict[str, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    @property
    def violations(self) -> list[str]:
        """Failures that are not due to a slow machine."""
        violations = [f"{count} orders failed with {code}" for code, count in self.failures.items()]
        if self.deadlocks:
            violations.append(f"PostgreSQL reported {self.deadlocks} deadlocks")
        violations += [f"{product} has lost {count} units" for product, count in self.missing.items()]
        return violations

    def __str__(self) -> str:
        return (
            f"sweep        {self.sweep_seconds:.1f} s\n"
            f"createOrder  {len(self.seconds):,} orders, p50 {self.percentile(0.5):.0f} ms, p95 {self.percentile(0.95):.0f} ms, "
            f"p99 {self.percentile(0.99):.0f} ms, max {self.percentile(1):.0f} ms\n"
            f"timeouts     {', '.join(f'{count} {code}' for code, count in self.timeouts.items()) or 'none'}\n"
            f"violations   {'; '.join(self.violations) or 'none'}"
        )


async def sweep(
    stack: Stack, *, orders: int, shoppers: int = 6, pause: float = 0.1, seconds: float
) -> Figures:
    """Creates overdue orders and waits until the stack has cancelled them, at most `seconds`, while shoppers buy the same products."""
    ports, figures = stack.ports, Figures()
    log = stack.components["postgresql"].log
    before = log.read_text().count("deadlock detected")
    overdue = await OverdueOrders.open(ports.postgresql)
    gateway = f"http://127.0.0.1:{ports.gateway}"
    shop = Shop(gateway, f"http://127.0.0.1:{ports.mail_web}", f"http://127.0.0.1:{ports.stripe}")
    async with shop:
        admin = await shop.admin()
        people = [await shop.register() for _ in range(shoppers)]
        products = [await admin.create_product(price="1.00", stock=_STOCK) for _ in range(_PRODUCTS)]
        stopped = asyncio.Event()
        shopping = [
            asyncio.create_task(_shop(person, products, pause, figures, stopped, seed))
            for seed, person in enumerate(people)
        ]
        await asyncio.sleep(_BEFORE_SECONDS)
        await overdue.write(people[0].id, products, orders)
        start = time.monotonic()
        while await overdue.pending() or await overdue.held():
            if time.monotonic() - start > seconds:
                raise TimeoutError(
                    f"{await overdue.pending()} orders are PENDING, {await overdue.held()} hold stock"
                )
            await asyncio.sleep(0.2)
        figures.sweep_seconds = time.monotonic() - start
        await asyncio.sleep(_AFTER_SECONDS)
        stopped.set()
        await asyncio.gather(*shopping)
    figures.missing.update(await overdue.missing(products, _STOCK))
    figures.deadlocks = log.read_text().count("deadlock detected") - before
    await overdue.close()
    return figures


async def _shop(
    person: Person, products: Sequence[str], pause: float, figures: Figures, stopped: asyncio.Event, seed: int
) -> None:
    rng = random.Random(seed)
    while not stopped.is_set():
        basket = rng.sample(products, _BASKET)
        start = time.monotonic()
        try:
            response = await person.try_to_buy(*basket)
        except httpx.TimeoutException:
            figures.timeouts["no response"] += 1
            continue
        figures.seconds.append(time.monotonic() - start)
        for code, error in zip(response.codes, response.errors, strict=True):
            reason = error["extensions"].get("reason", "")
            is_timeout = code in _TIMEOUTS and reason != "DATABASE_CONTENTION"
            (figures.timeouts if is_timeout else figures.failures)[f"{code} {reason}".strip()] += 1
        await asyncio.sleep(pause)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if there are no failures and the limit is kept."""
    parser = argparse.ArgumentParser(
        description="Cancels overdue orders while shoppers order, and measures the latency."
    )
    parser.add_argument("--orders", type=int, default=10_000, help="number of overdue orders")
    parser.add_argument("--shoppers", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=600, help="maximum duration of the sweep")
    parser.add_argument("--p99", type=float, default=300, help="limit of createOrder's p99 in milliseconds")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="souk-sweep-") as folder:
        stack = Stack(Path(folder), Ports.free(), products=20, mail="count")
        stack.start()
        try:
            figures = asyncio.run(
                sweep(stack, orders=arguments.orders, shoppers=arguments.shoppers, seconds=arguments.seconds)
            )
        finally:
            stack.stop()
    print(figures, flush=True)
    return 1 if figures.violations or figures.timeouts or figures.percentile(0.99) > arguments.p99 else 0


if __name__ == "__main__":
    sys.exit(main())
