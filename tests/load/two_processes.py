"""Measures what a second process of the gateway adds behind one address, when each has the same share of a core:

    bazel run //tests/load:two_processes

The rest of the stack has no limit, so the gateway decides the rate. Fails below 1.8 times the rate of one process.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from dev.ports import Ports
from dev.stack import Stack
from kit.testing import free_port
from tests.load.bench import Bench, opened
from tests.load.cpu_quota import cpu_quota

_GATEWAYS = ("gateway", "gateway-2")
_EXPECTED = 1.8


async def measure(stack: Stack, port: int, arguments: argparse.Namespace) -> dict[int, list[float]]:
    """Operations a second of each round, by number of processes."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    gateway = f"http://127.0.0.1:{port}"
    async with opened(
        gateway,
        stack.ports,
        users=len(_GATEWAYS) * arguments.users,
        buyers=0,
        products=50,
        shoppers=arguments.users,
    ) as bench:
        await bench.warm_up(arguments.scenario, arguments.seconds)
        await bench.idle(arguments.seconds)
        for number in range(arguments.rounds):
            for processes in (1, 2):
                rates[processes].append(await _rate(stack, bench, processes, arguments))
            print(
                f"round {number + 1}: {rates[1][-1]:.0f}/s with one, {rates[2][-1]:.0f}/s with two",
                flush=True,
            )
    return rates


async def _rate(stack: Stack, bench: Bench, processes: int, arguments: argparse.Namespace) -> float:
    with ExitStack() as quotas:
        if processes == 1:
            stack.stop_component(_GATEWAYS[1])
            quotas.callback(stack.start_component, _GATEWAYS[1])
        # The second process has just started: until its caches are filled, it would be compared with one whose caches are.
        await bench.warm_up(arguments.scenario, arguments.seconds)
        for name in _GATEWAYS[:processes]:
            process = stack.components[name].process
            assert process is not None
            quotas.enter_context(cpu_quota([process.pid], arguments.share))
        bench.users = processes * arguments.users
        result = await bench.measure(arguments.scenario, arguments.seconds)
    if result.failed:
        sys.exit(f"{result.failed} requests failed")
    return result.operations / result.seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Starts a stack with two gateways, measures, and prints the ratio."""
    parser = argparse.ArgumentParser(description="What a second process of the gateway adds.")
    parser.add_argument("--scenario", default="me")
    parser.add_argument("--share", type=float, default=0.15, help="of a core, for each process")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--users", type=int, default=32, help="for each process")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="souk-two-") as folder:
        stack, port = (
            Stack(Path(folder), Ports.free(), products=60, mail="count", replica_ports=[Ports.free()]),
            free_port(),
        )
        for name in _GATEWAYS:
            stack.services[name].override_environment(
                lambda _, environment: environment | {"HTTP_SHARED_PORT": str(port)}
            )
        stack.start()
        try:
            rates = asyncio.run(measure(stack, port, arguments))
        finally:
            stack.stop()
    one, two = (statistics.median(rates[processes]) for processes in (1, 2))
    print(
        f"{arguments.scenario}: {one:.0f}/s with one process of {arguments.share:g} cores, {two:.0f}/s with two: {two / one:.2f} times"
    )
    return 0 if two / one >= _EXPECTED else 1


if __name__ == "__main__":
    sys.exit(main())
