"""Compares what operations cost on an empty stack and on one whose databases hold 10,000,000 orders:

    bazel run //tests/load:growth -- --keep FOLDER

The databases are filled as by `make scale-test` (26 GB). Both stacks run at once and are measured in turn, as by `side_by_side`. Fails if
an operation costs over 20 % more on the filled one.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from dev.components import run_command
from dev.ports import Ports
from dev.stack import Stack, StackError
from kit.testing import Postgres
from tests.load.cpu import CpuTimes
from tests.load.side_by_side import Ratio, lines, measure
from tests.scale.filling import SETTINGS, check_disk, fill
from tests.scale.run import report, world_of

_GROWTH = 1.2
_EMPTY, _FILLED = "before", "after"
_REINDEX_SECONDS = 3600


def filled(state: Path, arguments: argparse.Namespace) -> None:
    """Fills the databases of a stack's state; does nothing if that was done before."""
    folder = state / "data" / "postgresql"
    marker = folder / "filled"
    if marker.exists():
        return
    world = world_of(arguments.orders, arguments.accounts, arguments.products)
    folder.mkdir(parents=True)
    check_disk(folder, world)
    server = Postgres(folder, durable=False, configuration=SETTINGS)
    server.start()
    try:
        fill(server, world, folder, report)
    finally:
        server.stop()
    marker.touch()


def exceeded(measured: Mapping[tuple[str, str], Sequence[CpuTimes]]) -> Iterator[str]:
    """What costs too much more on the filled stack."""
    for name, scenario in measured:
        if name == _FILLED:
            empty, full = (
                [sum(times.values()) for times in measured[stack, scenario]] for stack in (_EMPTY, _FILLED)
            )
            ratio = Ratio.of(empty, full)
            if ratio.median > _GROWTH:
                yield f"{scenario} costs {ratio.median:.2f} times as much on the filled stack, the limit is {_GROWTH}"


def main(argv: Sequence[str] | None = None) -> int:
    """Fills, starts both stacks, and prints the comparison; 1 if a cost grew too much."""
    arguments = _arguments(argv)
    with tempfile.TemporaryDirectory(prefix="souk-growth-") as temporary, ExitStack() as running:
        states = {_EMPTY: Path(temporary, "empty"), _FILLED: arguments.keep or Path(temporary, "filled")}
        filled(states[_FILLED], arguments)
        ports: dict[str, Ports] = {}
        for name, state in states.items():
            ports[name] = Ports.free()
            stack = Stack(state, ports[name], products=200, mail="count")
            stack.start()
            running.callback(stack.stop)
        result = run_command(stack.services["catalog"], "reindex", seconds=_REINDEX_SECONDS)
        if result.returncode:
            raise StackError(f"catalog reindex failed:\n{result.stdout}")
        measured, factor = asyncio.run(measure(ports, arguments))
    violations = list(exceeded(measured))
    print("\n".join([*lines(measured, factor), *violations]))
    return 1 if violations else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compares costs on an empty and on a filled stack.")
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument(
        "--keep", type=Path, help="keep the filled stack's state in this folder, and use it again"
    )
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--users", type=int, default=32)
    return parser.parse_args(
        argv, argparse.Namespace(scenarios=["order", "search", "product", "me"], carts=0)
    )


if __name__ == "__main__":
    sys.exit(main())
