"""make fault-test: shoppers in a storm of faults, then a quiet moment, then every invariant. Prints what was tried and what broke.

Uses a stack of its own, two replicas of every service. The seed decides what shoppers do and what goes wrong, not how the two fall
together in time.
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

import asyncpg

from tests.faults.ground import PENDING_SECONDS, FaultGround, running
from tests.faults.shoppers import Party, Tally
from tests.faults.troubles import Limits, Troubles
from tests.invariants.audit import judge

# Beyond the deadline of the last order, and by how much a clock was wrong when it was set: refunds that were refused are made again after
# a minute, and mails wait their turn.
_SETTLE_SECONDS = 420.0
_TELL_SECONDS = 15.0
_LIVING = ("CONFIRMED", "SHIPPED", "DELIVERED")
# Some are declined, out of stock, cancelled or wait for their buyer's bank by what shoppers do. A shop that loses more is broken, even if
# its tables agree.
LEAST_CONFIRMED = 0.6


@dataclass(frozen=True)
class Storm:
    """How it is to be: so many orders by so many shoppers, a pause between two actions of a shopper and between two
    troubles, whether some orders wait for their deadline, how bad the troubles are, and the longest that shoppers shop."""

    orders: int
    seed: int
    shoppers: int
    pause: float
    trouble_pause: float
    slow: bool
    limits: Limits = field(default_factory=Limits)
    seconds: float = math.inf


@dataclass(frozen=True)
class Outcome:
    """How it was; `statuses` are those of the run's orders in the end."""

    tally: Tally
    troubles: Mapping[str, int]
    statuses: Mapping[str, int]
    violations: list[str]
    storm_seconds: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"tried       {_counts(self.tally.tried)}\n"
            f"refused     {_counts(self.tally.refused)}\n"
            f"repeated    {_counts(self.tally.failed)}\n"
            f"orders      {_counts(self.statuses)}; {_confirmed(self.statuses, self.tally):.0%} of those tried ended well\n"
            f"troubles    {sum(self.troubles.values()):,}: {_counts(self.troubles)}\n"
            f"took        {self.storm_seconds:.0f} s of storm, {self.seconds:.0f} s in all\n"
            f"violations  {len(self.violations)}"
            + "".join(f"\n            {each}" for each in self.violations)
        )


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in sorted(found.items())) or "none"


def _confirmed(statuses: Mapping[str, int], tally: Tally) -> float:
    return sum(statuses.get(status, 0) for status in _LIVING) / max(1, tally.orders)


async def weather(ground: FaultGround, storm: Storm) -> Outcome:
    """Lets it pass over a stack that is up, which it leaves up."""
    began = time.monotonic()
    print(f"seed        {storm.seed}", flush=True)
    async with ground.shop() as shop:
        troubles, ended = Troubles(ground, shop, storm.seed, storm.limits), asyncio.Event()
        print(f"            {storm.shoppers} shoppers sign in, and the shelves are filled", flush=True)
        party = await Party.gather(
            shop,
            storm.seed,
            slow=storm.slow,
            customers=storm.shoppers,
            tokens_may_fail=troubles.clocks_are_wrong,
        )
        brewing = asyncio.create_task(troubles.brew(ended, storm.trouble_pause))
        telling = asyncio.create_task(_tell(party, troubles, storm, ended))
        try:
            await party.go(storm.orders, storm.pause, storm.seconds)
        finally:
            ended.set()
            await brewing
            await telling
    passed = time.monotonic() - began
    print(f"            the storm is over after {passed:.0f} s", flush=True)
    verdicts = await judge(ground.ports, _patience(storm))
    violations = party.tally.violations + [str(verdict) for verdict in verdicts if verdict.violations]
    statuses = await _statuses(ground, party.run)
    if (share := _confirmed(statuses, party.tally)) < LEAST_CONFIRMED:
        violations.append(
            f"{share:.0%} of {party.tally.orders:,} orders ended well, not {LEAST_CONFIRMED:.0%}"
        )
    return Outcome(
        party.tally, dict(troubles.counted), statuses, violations, passed, time.monotonic() - began
    )


def _patience(storm: Storm) -> float:
    waits = PENDING_SECONDS if storm.slow else 0
    return waits + storm.limits.clock + _SETTLE_SECONDS


async def _statuses(ground: FaultGround, run: str) -> dict[str, int]:
    connection = await asyncpg.connect(ground.database("order"))
    try:
        rows = await connection.fetch(
            "SELECT status, count(*) AS n FROM orders WHERE request_id LIKE $1 GROUP BY status", f"{run}-%"
        )
        return {row["status"]: row["n"] for row in rows}
    finally:
        await connection.close()


async def _tell(party: Party, troubles: Troubles, storm: Storm, ended: asyncio.Event) -> None:
    """Says every few seconds how far it is, and each violation once."""
    told = 0
    while not ended.is_set():
        violations = party.tally.violations
        print(
            f"            {party.tally.orders:,} of {storm.orders:,} orders tried, {sum(troubles.counted.values())} troubles so far, "
            f"{len(violations)} violations; {troubles.now}",
            flush=True,
        )
        for violation in violations[told:]:
            print(f"            {violation}", flush=True)
        told = len(violations)
        try:
            await asyncio.wait_for(ended.wait(), _TELL_SECONDS)
        except TimeoutError:
            continue


def main(argv: Sequence[str] | None = None) -> int:
    """0 when nothing was violated."""
    parser = argparse.ArgumentParser(
        description="Shoppers in a storm of faults; then every invariant is checked."
    )
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to do the same again")
    parser.add_argument("--shoppers", type=int, default=30)
    parser.add_argument(
        "--seconds", type=float, default=math.inf, help="end the storm then, however few orders"
    )
    parser.add_argument("--state", type=Path, default=None, help="folder that keeps logs and data afterwards")
    arguments = parser.parse_args(argv)
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    storm = Storm(
        arguments.orders,
        seed,
        shoppers=arguments.shoppers,
        pause=0.5,
        trouble_pause=3.0,
        slow=True,
        seconds=arguments.seconds,
    )
    with tempfile.TemporaryDirectory(prefix="souk-faults-") as folder:
        print("            real servers and two replicas of every service start", flush=True)
        with running(arguments.state or Path(folder)) as ground:
            outcome = asyncio.run(weather(ground, storm))
    print(outcome)
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main())
