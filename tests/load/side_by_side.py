"""Compares what operations cost in two checkouts, such as before and after a change:

    bazel run //tests/load:side_by_side -- BEFORE AFTER --scenarios search,me,order

Both stacks run at once, without taxes and shipping, and are measured in turn, so that a machine that is slow for a while is slow for both.
Payment and notification are frozen: the cost is what an answer takes. Also prints what a checkout costs compared with an order.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from dev.ports import Ports
from kit.testing.process import ChildProcess
from tests.load.bench import SCENARIOS, Bench, opened
from tests.load.cpu import REFERENCE_MS, Calibration, CpuTimes, scaled, table
from tests.load.processes import paused

_START_SECONDS = 900.0
_SHOPPERS = 200
_RUNNING = "Souk is running"
_NAMES = ("before", "after")


@dataclass(frozen=True)
class Ratio:
    """Of measurements that were taken one after the other: the median, and the quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, before: Sequence[float], after: Sequence[float]) -> "Ratio":
        """Of each pair in turn; at least one."""
        ratios = [new / old for old, new in zip(before, after, strict=True)]
        low, median, high = (
            statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        )
        return cls(median, low, high)

    def __str__(self) -> str:
        return f"{self.median:.3f} (quartiles {self.low:.3f}-{self.high:.3f})"


def medians(times: Sequence[CpuTimes]) -> dict[str, float]:
    """By component."""
    return {name: statistics.median(one.get(name, 0) for one in times) for name in times[0]}


def lines(measured: Mapping[tuple[str, str], Sequence[CpuTimes]], factor: float) -> Iterator[str]:
    """`measured`: milliseconds per operation of each round, by checkout and scenario."""
    totals = {key: [sum(times.values()) for times in rounds] for key, rounds in measured.items()}
    for (name, scenario), rounds in measured.items():
        middle = statistics.median(totals[name, scenario]) * factor
        yield f"{scenario:<9} {name:<7} {middle:6.3f} ms: {table(scaled(medians(rounds), factor))}"
    before, after = _NAMES
    for name, scenario in measured:
        if name == after and (before, scenario) in totals:
            yield f"{scenario:<9} after / before: {Ratio.of(totals[before, scenario], totals[after, scenario])}"
        if scenario == "checkout" and (name, "order") in totals:
            yield f"{scenario:<9} {name:<7} / order: {Ratio.of(totals[name, 'order'], totals[name, scenario])}"


@contextmanager
def stack(checkout: Path, launch: Sequence[str], state: Path, ports: Ports) -> Iterator[None]:
    """A checkout's own stack, started by its own code."""
    environment = {f"SOUK_{name.upper()}_PORT": str(port) for name, port in asdict(ports).items()}
    environment |= {"SOUK_MAIL": "count", "SOUK_RULES": "no"}
    command = [*launch, "--state", str(state), "--products", "200"]
    process = ChildProcess(checkout.name, command, log=state / "stack.log", env=environment, cwd=checkout)
    try:
        end = time.monotonic() + _START_SECONDS
        while _RUNNING not in process.log.read_text():
            if process.status is not None or time.monotonic() > end:
                sys.exit(f"the stack of {checkout} did not start:\n{process.tail()}")
            time.sleep(0.5)
        yield
    finally:
        process.stop(grace_seconds=60)


async def measure(
    stacks: Mapping[str, Ports], arguments: argparse.Namespace
) -> tuple[dict[tuple[str, str], list[CpuTimes]], float]:
    """Milliseconds per operation of each round, by stack and scenario; and the factor to the reference machine."""
    calibration = Calibration()
    measured: dict[tuple[str, str], list[CpuTimes]] = {}
    async with AsyncExitStack() as exits:
        benches: dict[str, Bench] = {}
        for name, ports in stacks.items():
            # An earlier version has no carts.
            buyers = arguments.carts if "checkout" in arguments.scenarios and name == list(stacks)[-1] else 0
            gateway = f"http://127.0.0.1:{ports.gateway}"
            benches[name] = await exits.enter_async_context(
                opened(gateway, ports, users=arguments.users, buyers=buyers, products=200, shoppers=_SHOPPERS)
            )
            benches[name].frozen = True
            exits.enter_context(paused(ports))
        for bench, scenario in product(benches.values(), arguments.scenarios):
            if scenario != "checkout":
                await bench.warm_up(scenario, arguments.seconds)
        for bench in benches.values():
            await bench.idle(arguments.seconds, background=False)
        for number in range(arguments.rounds):
            calibration.sample()
            for scenario in arguments.scenarios:
                # Alternately the one and the other first.
                for name in list(benches)[:: 1 if number % 2 else -1]:
                    if scenario == "checkout" and not benches[name].world.buyers:
                        continue
                    result = await benches[name].measure(scenario, arguments.seconds)
                    if result.failed:
                        sys.exit(f"{name}: {result.failed} of {scenario} failed")
                    measured.setdefault((name, scenario), []).append(result.cpu)
            latest = (
                f"{scenario} {name} {sum(times[-1].values()):.2f}"
                for (name, scenario), times in measured.items()
            )
            print(f"round {number + 1} of {arguments.rounds}: {', '.join(latest)}", flush=True)
    print(
        f"bcrypt of cost 10 takes {calibration.bcrypt_ms:.1f} ms here; below are ms where it takes {REFERENCE_MS:.0f}"
    )
    return measured, calibration.factor


def main(argv: Sequence[str] | None = None) -> int:
    """Starts one or two stacks and prints the comparison."""
    parser = argparse.ArgumentParser(description="Compares what operations cost in two checkouts.")
    parser.add_argument("checkouts", type=Path, nargs="+", help="one or two folders: before, after")
    parser.add_argument("--scenarios", type=lambda text: text.split(","), default=["order", "search", "me"])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--carts", type=int, default=96, help="checked out in each round")
    parser.add_argument(
        "--launch", default="bazel run //dev:stack --", help="starts a checkout's stack in its folder"
    )
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"unknown scenarios: {', '.join(sorted(unknown))}")
    working = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    stacks: dict[str, Ports] = {}
    with tempfile.TemporaryDirectory(prefix="souk-side-by-side-") as folder, ExitStack() as running:
        for name, checkout in zip(_NAMES[-len(arguments.checkouts) :], arguments.checkouts, strict=True):
            stacks[name] = Ports.free()
            state = Path(folder, name)
            launch = arguments.launch.split()
            running.enter_context(stack((working / checkout).resolve(), launch, state, stacks[name]))
        measured, factor = asyncio.run(measure(stacks, arguments))
    print("\n".join(lines(measured, factor)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
