"""make alert-drill: causes what each alert is about on a stack of its own, and waits until Prometheus fires it.

Windows and pauses of the rules are shortened by one factor; thresholds are not.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from dev.stack import Stack
from tests.alerts.drills import DRILLS, Drill
from tests.alerts.secured import SECURED, secured_stack
from tests.alerts.stack import ALERTS, Watched, plain_stack, watched
from tests.alerts.traffic import Traffic
from tests.e2e.responses import within

FACTOR: Final = 15


async def drill_all(stack: Watched, drills: Sequence[Drill], report: Callable[[str], None]) -> list[str]:
    """Runs the drills in turn; returns an error for each whose alerts did not fire."""
    errors: list[str] = []
    async with stack.shop() as shop:
        for drill in drills:
            start = time.monotonic()
            try:
                # Services are still recovering from the previous drill, and an access token is valid for 15 minutes.
                traffic = await within(90, partial(Traffic.create, shop), "a buyer")
                await drill.cause(
                    stack, traffic, partial(stack.wait_until_firing, drill.alerts, drill.seconds)
                )
            except AssertionError as error:
                errors.append(f"{drill.name}: {error}")
                report(f"FAILED  {errors[-1]}")
            else:
                report(f"{time.monotonic() - start:5.0f} s  {drill.name}: {', '.join(drill.alerts)}")
    return errors


def run(
    stack_in: Callable[[Path], Stack], drills: Sequence[Drill], factor: int
) -> tuple[list[str], set[str]]:
    """The errors of these drills on a new stack, and the alerts that fired."""
    with (
        tempfile.TemporaryDirectory(prefix="souk-drill-") as folder,
        watched(stack_in(Path(folder)), factor) as stack,
    ):
        errors = asyncio.run(drill_all(stack, drills, lambda text: print(text, flush=True)))
        return errors, stack.fired


def main(argv: Sequence[str] | None = None) -> int:
    """Runs all drills, or those whose names match a pattern; 0 if every alert of theirs fired."""
    parser = argparse.ArgumentParser(description="Causes every alert on a running stack.")
    parser.add_argument("--only", default="", help="only drills whose name matches this pattern")
    parser.add_argument("--factor", type=int, default=FACTOR, help="how much shorter windows and pauses are")
    arguments = parser.parse_args(argv)
    start = time.monotonic()
    errors: list[str] = []
    fired: set[str] = set()
    for stack_in, drills in ((plain_stack, DRILLS), (secured_stack, SECURED)):
        if chosen := [drill for drill in drills if re.search(arguments.only, drill.name)]:
            more, alerts = run(stack_in, chosen, arguments.factor)
            errors += more
            fired |= alerts
    if not arguments.only:
        errors += [f"{alert} never fired" for alert in sorted(ALERTS - fired)]
    print(
        f"{len(fired)} of {len(ALERTS)} alerts fired in {(time.monotonic() - start) / 60:.1f} min; {len(errors)} errors"
    )
    print("\n".join(errors), end="\n" if errors else "")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
