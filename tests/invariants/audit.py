"""make invariants: checks every invariant of a running stack and prints one line for each; fails if one is violated.

The stack uses the ports of dev.ports (SOUK_<NAME>_PORT overrides one). `--wait SECONDS`: first waits until all work is done.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

from dev.ports import Ports
from tests.invariants import (
    amounts,
    carts,
    events,
    guests,
    index,
    mail,
    notifications,
    provider,
    saved,
    shop,
    variants,
)
from tests.invariants.idle import wait_until_idle
from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DATABASES, DataSources

CHECKS: Sequence[Callable[[DataSources], Awaitable[CheckResult]]] = (
    shop.stock,
    shop.reservations,
    shop.keys,
    shop.paid,
    shop.cancelled,
    shop.refunds,
    shop.ledger,
    shop.deadlines,
    shop.payments_end,
    saved.saved_methods,
    saved.provider_customers,
    shop.expiries,
    shop.finished,
    amounts.amounts,
    amounts.taxes,
    amounts.discounts,
    amounts.methods,
    notifications.notifications,
    notifications.delivered,
    carts.ordered_carts,
    carts.cart_versions,
    carts.merged_carts,
    carts.open_carts,
    carts.cart_lines,
    carts.erased_orders,
    guests.merged,
    guests.moved,
    guests.passwords,
    guests.numbers,
    events.published,
    events.consumed,
    index.index,
    variants.variants,
    variants.skus,
    variants.prices,
    variants.lines,
)
# These read the records of the Stripe mock and the mail sink.
EXTERNAL: Sequence[Callable[[DataSources], Awaitable[CheckResult]]] = (
    provider.charged,
    provider.refunded,
    provider.balances,
    provider.keyed,
    mail.arrived,
)


async def check_all(
    ports: Ports, wait: float, *, external: bool = True, lost: tuple[float, float] | None = None
) -> list[CheckResult]:
    """Runs and prints every check; `external`: also compares the records of the payment provider and the mail server.

    `lost`: seconds since 1970 between which mails were sent that the databases do not know, because they were restored to an earlier time.
    """
    sources = await DataSources.open(
        {name: f"postgresql://souk:souk@127.0.0.1:{ports.postgresql}/{name}" for name in DATABASES},
        index_url=f"http://127.0.0.1:{ports.elasticsearch}",
        bootstrap=f"127.0.0.1:{ports.kafka}",
        provider_url=f"http://127.0.0.1:{ports.stripe}",
        mails_url=f"http://127.0.0.1:{ports.mail_web}",
    )
    sources.lost = lost
    try:
        return await check_sources(sources, wait, external=external)
    finally:
        await sources.close()


async def check_sources(sources: DataSources, wait: float, *, external: bool = True) -> list[CheckResult]:
    """As `check_all`, with connections of the caller."""
    results = []
    if wait:
        print(f"            waiting until all work is done, at most {wait:.0f} s", flush=True)
        results.append(await settled(sources, wait))
        print(results[-1], flush=True)
    for check in (*CHECKS, *(EXTERNAL if external else ())):
        results.append(await check(sources))
        print(results[-1], flush=True)
    return results


async def settled(sources: DataSources, seconds: float) -> CheckResult:
    """All work is done within `seconds`."""
    remaining = await wait_until_idle(sources, seconds)
    return check_result(
        f"all work is done within {seconds:.0f} s",
        remaining,
        [f"{remaining:,} items are not"] if remaining else (),
    )


def main() -> int:
    """Returns 0 if no invariant is violated, 1 if one is, 2 if no stack runs."""
    parser = argparse.ArgumentParser(description="Checks the invariants of a running stack.")
    parser.add_argument(
        "--wait", type=float, default=60.0, help="maximum seconds to wait until all work is done"
    )
    parser.add_argument(
        "--internal", action="store_true", help="skip the records of the payment provider and the mail server"
    )
    arguments = parser.parse_args()
    ports = Ports.read(os.environ)
    try:
        results = asyncio.run(check_all(ports, arguments.wait, external=not arguments.internal))
    except ConnectionRefusedError as error:
        print(
            f"the stack is not running ({error.strerror or error}): start it with make run", file=sys.stderr
        )
        return 2
    violated = sum(bool(result.violations) for result in results)
    skipped = sum(bool(result.skipped) for result in results)
    print(f"{len(results) - skipped} invariants, {violated} violated, {skipped} skipped")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main())
