"""make restore-drill: PostgreSQL, Kafka and Elasticsearch lose their data while shoppers order; prints RPO, RTO and every invariant."""

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from tests.disasters.drill import Drill, Result, lose_elasticsearch, lose_kafka, lose_postgresql, running


async def _run(drill: Drill, seconds: float, shoppers: int, only: str) -> list[Result]:
    drills: dict[str, Callable[..., Awaitable[Result]]] = {
        "PostgreSQL to an earlier time": partial(lose_postgresql, back=min(45.0, seconds / 2)),
        "PostgreSQL to the latest state": partial(lose_postgresql, back=None),
        "Kafka": lose_kafka,
        "Elasticsearch": lose_elasticsearch,
    }
    results: list[Result] = []
    for name, lose in drills.items():
        if re.search(only, name):
            print(f"            loss: {name}", flush=True)
            results.append(await lose(drill, seconds=seconds, shoppers=shoppers))
            print(results[-1], flush=True)
    return results


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if no invariant is violated."""
    parser = argparse.ArgumentParser(
        description="Loses data under traffic, restores it and checks every invariant."
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="traffic before each loss")
    parser.add_argument("--shoppers", type=int, default=10)
    parser.add_argument("--only", default="", help="only losses whose name matches this pattern")
    parser.add_argument("--state", type=Path, default=None, help="folder in which logs and data are kept")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="souk-disasters-") as folder:
        print("            starting the stack", flush=True)
        with running(arguments.state or Path(folder)) as drill:
            results = asyncio.run(_run(drill, arguments.seconds, arguments.shoppers, arguments.only))
    print("\n".join(map(str, results)))
    return 1 if any(result.violations for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
