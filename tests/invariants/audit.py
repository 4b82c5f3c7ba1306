"""make invariants: checks every invariant of a running stack, one line each; fails when one is violated.

The stack is the one on the ports of dev.ports (SOUK_<NAME>_PORT moves them). `--wait SECONDS`: first waits until nothing is under way.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

from dev.ports import Ports
from tests.invariants import events, index, mail, provider, shop
from tests.invariants.evidence import DATABASES, Evidence
from tests.invariants.quiet import quiet
from tests.invariants.verdict import Verdict, verdict

CHECKS: Sequence[Callable[[Evidence], Awaitable[Verdict]]] = (
    shop.stock,
    shop.reservations,
    shop.keys,
    shop.paid,
    shop.cancelled,
    shop.refunds,
    shop.ledger,
    shop.deadlines,
    shop.expiries,
    shop.ended,
    shop.mails,
    shop.delivered,
    events.published,
    events.consumed,
    index.index,
)
# They read the stand-ins of the local stack.
OUTSIDE: Sequence[Callable[[Evidence], Awaitable[Verdict]]] = (
    provider.charged,
    provider.refunded,
    provider.kept,
    provider.keyed,
    mail.arrived,
)


async def judge(ports: Ports, wait: float, *, outside: bool = True) -> list[Verdict]:
    """Every check's verdict, printed as they come; `outside`: also those of the payment provider's and the mail server's records."""
    evidence = await Evidence.open(
        {name: f"postgresql://souk:souk@127.0.0.1:{ports.postgresql}/{name}" for name in DATABASES},
        index_url=f"http://127.0.0.1:{ports.elasticsearch}",
        bootstrap=f"127.0.0.1:{ports.kafka}",
        provider_url=f"http://127.0.0.1:{ports.stripe}",
        mails_url=f"http://127.0.0.1:{ports.mail_web}",
    )
    try:
        verdicts = []
        if wait:
            print(f"            waiting until nothing is under way, at most {wait:.0f} s", flush=True)
            verdicts.append(await settled(evidence, wait))
            print(verdicts[-1], flush=True)
        for check in (*CHECKS, *(OUTSIDE if outside else ())):
            verdicts.append(await check(evidence))
            print(verdicts[-1], flush=True)
        return verdicts
    finally:
        await evidence.close()


async def settled(evidence: Evidence, seconds: float) -> Verdict:
    """Nothing is under way any more within so many seconds."""
    left = await quiet(evidence, seconds)
    return verdict(
        f"nothing is under way within {seconds:.0f} s", left, [f"{left:,} things are"] if left else ()
    )


def main() -> int:
    """0 when nothing is violated."""
    parser = argparse.ArgumentParser(description="Checks the invariants of a running stack.")
    parser.add_argument("--wait", type=float, default=60.0, help="seconds to wait for a quiet moment")
    parser.add_argument("--inside", action="store_true", help="leave the provider and the mail server out")
    arguments = parser.parse_args()
    verdicts = asyncio.run(judge(Ports.read(os.environ), arguments.wait, outside=not arguments.inside))
    violated = sum(bool(verdict.violations) for verdict in verdicts)
    print(f"{len(verdicts)} invariants, {violated} violated")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
