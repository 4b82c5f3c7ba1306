"""make sweep-test: the sweep over 10,000 overdue orders beside shoppers, on a stack of its own.

It prints its figures, and fails when an order failed or was not answered, PostgreSQL reported a deadlock, the stock is not what it was,
or createOrder's p99 is above the limit.
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
from tests.sweep.overdue import Books

_STOCK = 1_000_000
_PRODUCTS = 20
_BASKET = 4
_LATE = ("DEADLINE_EXCEEDED", "SERVICE_UNAVAILABLE")
# Shoppers start before the sweep and go on after it, so that its beginning and its end are measured too.
_BEFORE_SECONDS = 3.0
_AFTER_SECONDS = 2.0


@dataclass
class Figures:
    """What shoppers met while orders were swept."""

    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    # Not answered in time: the machine's fault, unless it is quiet.
    late: Counter[str] = field(default_factory=Counter)
    swept_seconds: float = 0.0
    deadlocks: int = 0
    missing: dict[str, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    @property
    def violations(self) -> list[str]:
        """What may never happen, however slow the machine is."""
        found = [f"{count} orders failed with {code}" for code, count in self.failures.items()]
        if self.deadlocks:
            found.append(f"PostgreSQL reported {self.deadlocks} deadlocks")
        found += [f"{product} has {count} too few" for product, count in self.missing.items()]
        return found

    def __str__(self) -> str:
        return (
            f"swept in     {self.swept_seconds:.1f} s\n"
            f"createOrder  {len(self.seconds):,} orders, p50 {self.percentile(0.5):.0f} ms, p95 {self.percentile(0.95):.0f} ms, "
            f"p99 {self.percentile(0.99):.0f} ms, max {self.percentile(1):.0f} ms\n"
            f"late         {', '.join(f'{count} {code}' for code, count in self.late.items()) or 'none'}\n"
            f"violations   {'; '.join(self.violations) or 'none'}"
        )


async def sweep(
    stack: Stack, *, orders: int, shoppers: int = 6, pause: float = 0.1, seconds: float
) -> Figures:
    """Lets a stack that is up cancel so many overdue orders while shoppers buy the same products; `seconds`: at most."""
    ports, figures = stack.ports, Figures()
    log = stack.parts["postgresql"].log
    before = log.read_text().count("deadlock detected")
    books = await Books.open(ports.postgresql)
    gateway = f"http://127.0.0.1:{ports.gateway}"
    shop = Shop(gateway, f"http://127.0.0.1:{ports.mail_web}", f"http://127.0.0.1:{ports.stripe}")
    async with shop:
        admin = await shop.admin()
        people = [await shop.register() for _ in range(shoppers)]
        products = [await admin.create_product(price="1.00", stock=_STOCK) for _ in range(_PRODUCTS)]
        over = asyncio.Event()
        shopping = [
            asyncio.create_task(_shop(person, products, pause, figures, over, seed))
            for seed, person in enumerate(people)
        ]
        await asyncio.sleep(_BEFORE_SECONDS)
        await books.write(people[0].id, products, orders)
        began = time.monotonic()
        while await books.pending() or await books.held():
            if time.monotonic() - began > seconds:
                raise TimeoutError(
                    f"{await books.pending()} orders are PENDING, {await books.held()} hold stock"
                )
            await asyncio.sleep(0.2)
        figures.swept_seconds = time.monotonic() - began
        await asyncio.sleep(_AFTER_SECONDS)
        over.set()
        await asyncio.gather(*shopping)
    figures.missing.update(await books.missing(products, _STOCK))
    figures.deadlocks = log.read_text().count("deadlock detected") - before
    await books.close()
    return figures


async def _shop(
    person: Person, products: Sequence[str], pause: float, figures: Figures, over: asyncio.Event, seed: int
) -> None:
    chance = random.Random(seed)
    while not over.is_set():
        basket = chance.sample(products, _BASKET)
        began = time.monotonic()
        try:
            answer = await person.try_to_buy(*basket)
        except httpx.TimeoutException:
            figures.late["no answer"] += 1
            continue
        figures.seconds.append(time.monotonic() - began)
        for code, error in zip(answer.codes, answer.errors, strict=True):
            reason = error["extensions"].get("reason", "")
            is_late = code in _LATE and reason != "DATABASE_CONTENTION"
            (figures.late if is_late else figures.failures)[f"{code} {reason}".strip()] += 1
        await asyncio.sleep(pause)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when nothing was violated and the limit was kept."""
    parser = argparse.ArgumentParser(
        description="Cancels overdue orders beside shoppers, and measures those."
    )
    parser.add_argument("--orders", type=int, default=10_000, help="overdue orders")
    parser.add_argument("--shoppers", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=600, help="how long the sweep may take")
    parser.add_argument("--p99", type=float, default=300, help="createOrder's limit in milliseconds")
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
    return 1 if figures.violations or figures.late or figures.percentile(0.99) > arguments.p99 else 0


if __name__ == "__main__":
    sys.exit(main())
