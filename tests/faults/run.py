"""make fault-test: shoppers in a storm of faults, then a quiet moment, then every invariant. Prints what was tried and what broke.

Uses a stack of its own. The seed decides what shoppers do and what goes wrong, not how the two fall together in time.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.ports import Ports
from dev.stack import Stack
from tests.e2e.ground import Ground
from tests.faults.shoppers import Party, Tally
from tests.faults.troubles import Troubles
from tests.invariants.audit import judge

# Orders that nobody pays end with their deadline, ten minutes after the last was placed.
_QUIET_SECONDS = 780.0
_TELL_SECONDS = 15.0


@dataclass(frozen=True)
class Storm:
    """How it is to be: so many orders by so many shoppers, a pause between two actions of a shopper and between two
    troubles, the longest outage, and whether some orders wait for their deadline."""

    orders: int
    seed: int
    shoppers: int
    pause: float
    trouble_pause: float
    longest_outage: float
    slow: bool


@dataclass(frozen=True)
class Outcome:
    """How it was."""

    tally: Tally
    troubles: dict[str, int]
    violations: list[str]
    seconds: float

    def __str__(self) -> str:
        tried = ", ".join(f"{count:,} x {what}" for what, count in sorted(self.tally.tried.items()))
        refused = (
            ", ".join(f"{count:,} {code}" for code, count in sorted(self.tally.refused.items())) or "none"
        )
        troubles = ", ".join(f"{count:,} {what}" for what, count in sorted(self.troubles.items()))
        return (
            f"tried       {tried}; {self.tally.repeats:,} repeats\n"
            f"refused     {refused}\n"
            f"troubles    {troubles}\n"
            f"took        {self.seconds:.0f} s\n"
            f"violations  {len(self.violations)}"
            + "".join(f"\n            {each}" for each in self.violations)
        )


async def weather(ground: Ground, storm: Storm) -> Outcome:
    """Lets it pass over a stack that is up, which it leaves up."""
    began = time.monotonic()
    print(f"seed        {storm.seed}", flush=True)
    async with ground.shop() as shop:
        party = await Party.gather(shop, storm.seed, slow=storm.slow, customers=storm.shoppers)
        troubles, ended = Troubles(ground, storm.seed), asyncio.Event()
        brewing = asyncio.create_task(troubles.brew(ended, storm.trouble_pause, storm.longest_outage))
        telling = asyncio.create_task(_tell(party, troubles, ended))
        try:
            await party.go(storm.orders, storm.pause)
        finally:
            ended.set()
            await brewing
            await telling
    verdicts = await judge(ground.ports, _QUIET_SECONDS)
    broken = [str(verdict) for verdict in verdicts if verdict.violations]
    return Outcome(
        party.tally, dict(troubles.counted), party.tally.violations + broken, time.monotonic() - began
    )


async def _tell(party: Party, troubles: Troubles, ended: asyncio.Event) -> None:
    told = 0
    while not ended.is_set():
        violations = party.tally.violations
        print(
            f"            {party.tally.orders:,} orders, {sum(troubles.counted.values())} troubles, {len(violations)} violations",
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
    arguments = parser.parse_args(argv)
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    with tempfile.TemporaryDirectory(prefix="souk-faults-") as folder:
        ports = Ports.free()
        stack = Stack(Path(folder), ports, products=20, mail="count")
        stack.start()
        try:
            ground = Ground(ports, stack, f"http://127.0.0.1:{ports.gateway}")
            storm = Storm(
                arguments.orders,
                seed,
                shoppers=30,
                pause=0.5,
                trouble_pause=5.0,
                longest_outage=15.0,
                slow=True,
            )
            outcome = asyncio.run(weather(ground, storm))
        finally:
            stack.stop()
    print(outcome)
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main())
