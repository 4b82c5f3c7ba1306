"""make restore-drill: PostgreSQL, Kafka and Elasticsearch lose their data while shoppers order; prints RPO, RTO and every invariant."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.disasters.drill import Drill, Result, lose_elasticsearch, lose_kafka, lose_postgresql, running


async def _run(drill: Drill, seconds: float, shoppers: int) -> list[Result]:
    return [
        await lose_postgresql(drill, seconds=seconds, back=min(45.0, seconds / 2), shoppers=shoppers),
        await lose_postgresql(drill, seconds=seconds, back=None, shoppers=shoppers),
        await lose_kafka(drill, seconds=seconds, shoppers=shoppers),
        await lose_elasticsearch(drill, seconds=seconds, shoppers=shoppers),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if no invariant is violated."""
    parser = argparse.ArgumentParser(
        description="Loses data under traffic, restores it and checks every invariant."
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="traffic before each loss")
    parser.add_argument("--shoppers", type=int, default=10)
    parser.add_argument("--state", type=Path, default=None, help="folder in which logs and data are kept")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="souk-disasters-") as folder:
        print("            starting the stack", flush=True)
        with running(arguments.state or Path(folder)) as drill:
            results = asyncio.run(_run(drill, arguments.seconds, arguments.shoppers))
    print("\n".join(map(str, results)))
    return 1 if any(result.violations for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
