"""make load-test: what each operation costs, how fast it is answered, how many whole journeys a second last; then the consistency checks.

Uses the stack at SOUK_GATEWAY, or starts its own with the counting mail sink. Writes the figures as JSON, and a page with charts beside it;
fails if a request failed or an invariant is violated.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from dev.ports import Ports
from dev.stack import Stack
from tests.invariants.audit import check_all
from tests.load import journey
from tests.load.bench import ORDERING, SCENARIOS, Bench, Result, opened
from tests.load.cpu import REFERENCE_MS, Calibration, CpuTimes, scaled, table
from tests.load.memory import PeakMemory
from tests.load.report import page
from tests.load.results import Results, compare, journeys_of, scenario_of

_IDLE_SECONDS = 60.0


class LoadRun:
    """One run on a stack."""

    def __init__(self, bench: Bench, arguments: argparse.Namespace) -> None:
        self._bench = bench
        self._arguments = arguments
        self._calibration = Calibration()
        self._journeys: list[journey.Journeys] = []
        self._highest: int | None = None
        self.failures: list[str] = []

    async def measure(self) -> Results:
        """Everything that was requested."""
        bench, arguments = self._bench, self._arguments
        # No order: its background work would be part of what an idle stack uses.
        await bench.warm_up("search", arguments.warm_seconds)
        self._calibration.sample()
        idle = await bench.idle(arguments.idle_seconds)
        await bench.idle(arguments.idle_seconds, background=False)
        raw: dict[str, Result] = {}
        with PeakMemory(bench.ports) as memory:
            for name in arguments.scenarios:
                if name == "journey":
                    await self._find_highest_rate(idle)
                    continue
                if name != "checkout":
                    await bench.warm_up(name, arguments.warm_seconds)
                raw[name] = await bench.measure(name, arguments.seconds)
                self._show(name, raw[name])
                if name in ORDERING:
                    raw[f"after {name}"] = await bench.drain(arguments.drain_seconds)
                    self._show(f"after {name}", raw[f"after {name}"])
                self._calibration.sample()
        factor = self._calibration.factor
        scenarios = {name: scenario_of(result, factor) for name, result in raw.items()}
        if sustained := [result for result in self._journeys if result.rate == self._highest]:
            scenarios["journey"] = scenario_of(sustained[-1].as_result(), factor)
        return Results(
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=_commit(),
            cores=os.cpu_count() or 1,
            bcrypt_ms=self._calibration.bcrypt_ms,
            idle=scaled(idle, factor),
            scenarios=scenarios,
            journeys=[journeys_of(result, factor, arguments.p95) for result in self._journeys],
            highest_rate=self._highest,
            memory=memory.peaks(),
        )

    def _show(self, name: str, result: Result) -> None:
        print(f"{name:<15} {result}", flush=True)
        if result.failed:
            self.failures.append(f"{name}: {result.failed} failed or not done in time")

    async def _find_highest_rate(self, idle: CpuTimes) -> None:
        async def sustained(rate: int) -> bool:
            result = await journey.measure(self._bench, rate, self._arguments.journey_seconds, idle)
            self._journeys.append(result)
            self._calibration.sample()
            reasons = result.reasons(self._arguments.p95)
            print(f"journey {rate:>4}/s  {'; '.join(reasons) or 'sustained'}", flush=True)
            return not reasons

        self._highest = await journey.find_highest(self._arguments.rate, self._arguments.max_rate, sustained)


def show(results: Results) -> None:
    """The costs on the reference machine."""
    print(
        f"\nbcrypt of cost 10 takes {results.bcrypt_ms:.1f} ms here; CPU ms below are of a machine where it takes {REFERENCE_MS:.0f}"
    )
    print(f"{'at rest':<15} per second: {table(results.idle)}")
    for name, scenario in results.scenarios.items():
        print(f"{name:<15} each: {table(scenario['cpu_ms'])}")
    if results.highest_rate is not None:
        print(f"{'journeys':<15} {results.highest_rate}/s sustained")
    sizes = sorted(results.memory.items(), key=lambda item: -item[1])
    print(f"{'peak memory':<15} MiB: {', '.join(f'{name} {size / 2**20:.0f}' for name, size in sizes)}")


async def measure(gateway: str, ports: Ports, arguments: argparse.Namespace) -> int:
    """Measures a running stack; returns 0 if there was no error."""
    buyers = arguments.carts if "checkout" in arguments.scenarios else 0
    shoppers = arguments.shoppers if {"order", "journey"} & set(arguments.scenarios) else 0
    async with opened(
        gateway,
        ports,
        users=arguments.users,
        buyers=buyers,
        products=arguments.products,
        shoppers=shoppers,
    ) as bench:
        run = LoadRun(bench, arguments)
        results = await run.measure()
        violations = run.failures + await bench.check.differences(bench.run, bench.answered)
    show(results)
    results.write(arguments.output)
    report = arguments.output.with_suffix(".html")
    report.write_text(page(results))
    if arguments.compare:
        print("\n" + "\n".join(compare(Results.read(arguments.compare), results)))
    violations += [str(result) for result in await check_all(ports, _IDLE_SECONDS) if result.violations]
    print(f"{'consistency':<15} " + ("\n                ".join(violations) or "ok"))
    print(f"wrote {arguments.output} and {report.name}", flush=True)
    return 1 if violations else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Measures the stack at SOUK_GATEWAY, or starts one."""
    arguments = parse(argv)
    if gateway := os.environ.get("SOUK_GATEWAY"):
        return asyncio.run(measure(gateway.rstrip("/"), Ports.read(os.environ), arguments))
    # As in production, where k8s/base/30-config.yaml sets both; `make run` samples every request.
    os.environ |= {"TRACE_SAMPLE_RATIO": "0.05", "OTLP_ENDPOINT": ""}
    print(f"{'traces':<15} TRACE_SAMPLE_RATIO={os.environ['TRACE_SAMPLE_RATIO']}, not exported", flush=True)
    with tempfile.TemporaryDirectory(prefix="souk-load-") as folder:
        ports = Ports.free()
        stack = Stack(Path(folder), ports, mail="count")
        stack.start()
        try:
            return asyncio.run(measure(f"http://127.0.0.1:{ports.gateway}", ports, arguments))
        finally:
            stack.stop()


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Measures a stack under load and checks its data.")
    parser.add_argument(
        "--scenarios",
        type=lambda text: text.split(","),
        default=[*SCENARIOS, "journey"],
        help=f"of {', '.join(SCENARIOS)} and journey",
    )
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--carts", type=int, default=96, help="checked out in each round")
    parser.add_argument("--shoppers", type=int, default=400, help="accounts that place orders")
    parser.add_argument("--seconds", type=int, default=12, help="duration of each measured run")
    parser.add_argument("--warm-seconds", type=int, default=4, help="duration of each warm-up run")
    parser.add_argument("--idle-seconds", type=int, default=10, help="duration of measuring the idle stack")
    parser.add_argument("--products", type=int, default=200, help="number of products to order from")
    parser.add_argument("--drain-seconds", type=int, default=420, help="maximum duration of background work")
    parser.add_argument("--rate", type=int, default=20, help="journeys a second with which to start")
    parser.add_argument("--max-rate", type=int, default=1000, help="the highest one to try")
    parser.add_argument("--journey-seconds", type=int, default=60, help="how long a rate must last")
    parser.add_argument("--p95", type=float, default=60.0, help="of createOrder in journeys, in ms")
    parser.add_argument("--compare", type=_path, help="the JSON of an earlier run")
    folder = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), ".souk", "load")
    name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S.json")
    parser.add_argument("--output", type=_path, default=folder / name, help="where to write the JSON")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.scenarios) - {*SCENARIOS, "journey"}:
        parser.error(f"unknown scenarios: {', '.join(sorted(unknown))}")
    return arguments


def _path(text: str) -> Path:
    """Relative to where Bazel was called."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), text)


def _commit() -> str:
    folder = os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")
    command = ["git", "-C", folder, "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
