"""make invariants: checks every invariant of a running stack, one line each; fails when one is violated.

The stack is the one on the ports of dev.ports (SOUK_<NAME>_PORT moves them). `--wait SECONDS`: first waits until nothing is under way.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

from dev.ports import Ports
from tests.invariants import events, index, shop
from tests.invariants.evidence import DATABASES, Evidence
from tests.invariants.quiet import quiet
from tests.invariants.verdict import Verdict

CHECKS: Sequence[Callable[[Evidence], Awaitable[Verdict]]] = (
    shop.stock,
    shop.reservations,
    shop.keys,
    shop.paid,
    shop.cancelled,
    shop.refunds,
    shop.ledger,
    shop.deadlines,
    shop.mails,
    shop.delivered,
    events.published,
    events.consumed,
    index.index,
)


async def judge(ports: Ports, wait: float) -> list[Verdict]:
    """Every check's verdict, printed as they come."""
    evidence = await Evidence.open(
        {name: f"postgresql://souk:souk@127.0.0.1:{ports.postgresql}/{name}" for name in DATABASES},
        index_url=f"http://127.0.0.1:{ports.elasticsearch}",
        bootstrap=f"127.0.0.1:{ports.kafka}",
    )
    try:
        if wait and (left := await quiet(evidence, wait)):
            print(f"not quiet after {wait:.0f} s: {left:,} things are under way", flush=True)
        verdicts = []
        for check in CHECKS:
            verdicts.append(await check(evidence))
            print(verdicts[-1], flush=True)
        return verdicts
    finally:
        await evidence.close()


def main() -> int:
    """0 when nothing is violated."""
    parser = argparse.ArgumentParser(description="Checks the invariants of a running stack.")
    parser.add_argument("--wait", type=float, default=60.0, help="seconds to wait for a quiet moment")
    verdicts = asyncio.run(judge(Ports.read(os.environ), parser.parse_args().wait))
    violated = sum(bool(verdict.violations) for verdict in verdicts)
    print(f"{len(verdicts)} invariants, {violated} violated")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
