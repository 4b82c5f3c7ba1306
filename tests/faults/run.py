"""make fault-test: shoppers use the shop while faults are injected; afterwards every invariant is checked. Prints a summary.

It starts its own stack with two replicas of every service. The seed determines the shoppers' actions and the faults, but not how they
interleave.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from tests.e2e.shop import Shop
from tests.faults.calls import Totals
from tests.faults.injector import FaultInjector, Limits
from tests.faults.shoppers import Shoppers
from tests.faults.stack import PENDING_SECONDS, FaultStack, running
from tests.invariants.audit import check_all

# On top of the deadline of the last order and the largest clock error: a rejected refund is retried after a minute, and mails are sent in
# turn.
_SETTLE_SECONDS = 420.0
_PROGRESS_SECONDS = 15.0
_SUCCESSFUL = ("CONFIRMED", "SHIPPED", "DELIVERED")
# By the shoppers' own actions some orders are declined, out of stock, cancelled or never authenticated. A shop that loses more than that is
# broken, even if its data is consistent.
MIN_SUCCESSFUL = 0.6


@dataclass(frozen=True)
class FaultPlan:
    """The parameters of a run.

    `pause`: seconds between two actions of a shopper; `fault_pause`: between two faults. `slow`: some orders stay unpaid until their
    deadline. The shoppers stop after `orders` or `seconds`.
    """

    orders: int
    seed: int
    shoppers: int
    pause: float
    fault_pause: float
    slow: bool
    limits: Limits = field(default_factory=Limits)
    seconds: float = math.inf


@dataclass(frozen=True)
class RunResult:
    """What happened; `statuses`: of the run's orders in the end. `fault_seconds`: how long faults were injected."""

    totals: Totals
    faults: Mapping[str, int]
    statuses: Mapping[str, int]
    violations: list[str]
    fault_seconds: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"attempted   {_counts(self.totals.attempted)}\n"
            f"rejected    {_counts(self.totals.rejected)}\n"
            f"retried     {_counts(self.totals.retried)}\n"
            f"orders      {_counts(self.statuses)}; {_successful(self.statuses, self.totals):.0%} of the attempted orders succeeded\n"
            f"faults      {sum(self.faults.values()):,}: {_counts(self.faults)}\n"
            f"duration    {self.fault_seconds:.0f} s of faults, {self.seconds:.0f} s in total\n"
            f"violations  {len(self.violations)}"
            + "".join(f"\n            {violation}" for violation in self.violations)
        )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) or "none"


def _successful(statuses: Mapping[str, int], totals: Totals) -> float:
    return sum(statuses.get(status, 0) for status in _SUCCESSFUL) / max(1, totals.orders)


async def run_faults(stack: FaultStack, plan: FaultPlan) -> RunResult:
    """Runs the plan on a running stack."""
    start = time.monotonic()
    print(f"seed        {plan.seed}", flush=True)
    last_number = await _last_number(stack)
    async with stack.shop() as shop:
        shoppers, injector = await _shop_under_faults(stack, shop, plan)
    fault_seconds = time.monotonic() - start
    print(f"            the last fault was injected after {fault_seconds:.0f} s", flush=True)
    results = await check_all(stack.ports, _settle_seconds(plan))
    violations = shoppers.calls.totals.violations + [str(result) for result in results if result.violations]
    statuses = await _statuses(stack, last_number)
    if (share := _successful(statuses, shoppers.calls.totals)) < MIN_SUCCESSFUL:
        violations.append(
            f"only {share:.0%} of {shoppers.calls.totals.orders:,} orders succeeded; at least {MIN_SUCCESSFUL:.0%} must"
        )
    return RunResult(
        shoppers.calls.totals,
        dict(injector.counts),
        statuses,
        violations,
        fault_seconds,
        time.monotonic() - start,
    )


async def _shop_under_faults(
    stack: FaultStack, shop: Shop, plan: FaultPlan
) -> tuple[Shoppers, FaultInjector]:
    injector, stopped = FaultInjector(stack, shop, plan.seed, plan.limits), asyncio.Event()
    print(f"            registering {plan.shoppers} shoppers and creating products", flush=True)
    shoppers = await Shoppers.register(
        shop,
        plan.seed,
        slow=plan.slow,
        customers=plan.shoppers,
        tokens_may_fail=injector.clocks_may_disagree,
    )
    injecting = asyncio.create_task(injector.inject(stopped, plan.fault_pause))
    reporting = asyncio.create_task(_report_progress(shoppers, injector, plan, stopped))
    try:
        await shoppers.act(plan.orders, plan.pause, plan.seconds)
    finally:
        stopped.set()
        await injecting
        await reporting
    return shoppers, injector


def _settle_seconds(plan: FaultPlan) -> float:
    pending = PENDING_SECONDS if plan.slow else 0
    return pending + plan.limits.clock + _SETTLE_SECONDS


async def _last_number(stack: FaultStack) -> int:
    """The number of the newest order: a seed may be used again on the same stack."""
    [row] = await _rows(stack, "SELECT coalesce(max(number), 0) AS number FROM orders")
    return int(row["number"])


async def _statuses(stack: FaultStack, after: int) -> dict[str, int]:
    """The orders with higher numbers by their status."""
    sql = "SELECT status, count(*) AS n FROM orders WHERE number > $1 GROUP BY status"
    return {row["status"]: row["n"] for row in await _rows(stack, sql, after)}


async def _rows(stack: FaultStack, sql: str, *args: object) -> Sequence[Any]:
    connection = await asyncpg.connect(stack.database("order"))
    try:
        rows: Sequence[Any] = await connection.fetch(sql, *args)
        return rows
    finally:
        await connection.close()


async def _report_progress(
    shoppers: Shoppers, injector: FaultInjector, plan: FaultPlan, stopped: asyncio.Event
) -> None:
    """Prints the progress every few seconds, and every violation once."""
    reported = 0
    while not stopped.is_set():
        violations = shoppers.calls.totals.violations
        print(
            f"            {shoppers.calls.totals.orders:,} of {plan.orders:,} orders attempted, "
            f"{sum(injector.counts.values())} faults injected, {len(violations)} violations; now: {injector.current}",
            flush=True,
        )
        for violation in violations[reported:]:
            print(f"            {violation}", flush=True)
        reported = len(violations)
        try:
            await asyncio.wait_for(stopped.wait(), _PROGRESS_SECONDS)
        except TimeoutError:
            continue


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if there is no violation."""
    parser = argparse.ArgumentParser(
        description="Shoppers use the shop while faults are injected; then every invariant is checked."
    )
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None, help="seed of an earlier run, to repeat it")
    parser.add_argument("--shoppers", type=int, default=30)
    parser.add_argument(
        "--seconds", type=float, default=math.inf, help="stop after this time even with fewer orders"
    )
    parser.add_argument("--state", type=Path, default=None, help="folder in which logs and data are kept")
    arguments = parser.parse_args(argv)
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    plan = FaultPlan(
        arguments.orders,
        seed,
        shoppers=arguments.shoppers,
        pause=0.5,
        fault_pause=3.0,
        slow=True,
        seconds=arguments.seconds,
    )
    with tempfile.TemporaryDirectory(prefix="souk-faults-") as folder:
        print("            starting the servers and two replicas of every service", flush=True)
        with running(arguments.state or Path(folder)) as stack:
            result = asyncio.run(run_faults(stack, plan))
    print(result)
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
