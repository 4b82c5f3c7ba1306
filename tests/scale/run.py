"""make scale-test: fills the databases of a stack, measures every list, look-up and sweep on them, and checks the figures.

It uses a PostgreSQL server of its own. It prints its figures, and fails when a page takes longer than 50 ms or a sweep's batch longer than
100 ms (on warm caches), or when a statement reads all of a large table.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import account.events
import catalog.events
import order.orders.events
import payment.payments.events
from kit.db import Database
from kit.events import Topic
from kit.testing.servers import Postgres
from tests.scale.account_measures import account_measures, notification_measures
from tests.scale.catalog_measures import catalog_measures
from tests.scale.filling import DATABASES, SETTINGS, NotEnoughDisk, check_disk, fill, migrate, sizes
from tests.scale.measuring import Figure, Measure, measure, table
from tests.scale.moments import since_epoch
from tests.scale.order_measures import order_measures
from tests.scale.payment_measures import payment_measures
from tests.scale.plans import ExplainedDatabase, explain
from tests.scale.world import World

MEASURES: dict[str, tuple[Topic | None, Callable[[Database, World], Iterator[Measure]]]] = {
    "order": (order.orders.events.TOPIC, order_measures),
    "payment": (payment.payments.events.TOPIC, payment_measures),
    "catalog": (catalog.events.TOPIC, catalog_measures),
    "account": (account.events.TOPIC, account_measures),
    "notification": (None, notification_measures),
}


def report(text: str) -> None:
    """Prints and flushes a line."""
    print(text, flush=True)


def world_of(orders: int, accounts: int, products: int) -> World:
    """A data set whose last order was placed now."""
    return World(orders, accounts, products, since_epoch(datetime.now(UTC)))


async def measure_database(server: Postgres, world: World, database: str, *, runs: int) -> list[Figure]:
    """The figures of one database."""
    publishes, measures = MEASURES[database]
    url = server.url(database)
    await explain(url)
    db = ExplainedDatabase(url, publishes=publishes, pool_size=2)
    await db.open()
    try:
        return await measure(db, measures(db, world), report, runs=runs)
    finally:
        await db.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Fills, measures and checks; 0 if no limit is exceeded."""
    arguments = _arguments(argv)
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        return _run(arguments.keep, arguments)
    with tempfile.TemporaryDirectory(prefix="souk-scale-", dir=arguments.folder) as folder:
        return _run(Path(folder), arguments)


def _run(folder: Path, arguments: argparse.Namespace) -> int:
    server = Postgres(folder, durable=False, configuration=SETTINGS)
    filled = folder / "world.json"
    try:
        if filled.exists():
            world = World(**json.loads(filled.read_text()))
            server.start()
            asyncio.run(migrate(server))
        else:
            world = world_of(arguments.orders, arguments.accounts, arguments.products)
            check_disk(folder, world)
            server.start()
            _fill(server, world, folder)
            filled.write_text(json.dumps({name: getattr(world, name) for name in World.__slots__}))
        return _measure(server, world, arguments.only or DATABASES)
    except NotEnoughDisk as error:
        report(str(error))
        return 1
    finally:
        server.stop()


def _fill(server: Postgres, world: World, folder: Path) -> None:
    started = time.monotonic()
    fill(server, world, folder, report)
    total = sum(sizes(server).values())
    report(f"filled in {(time.monotonic() - started) / 60:.1f} minutes, {total / 1e9:.1f} GB")


def _measure(server: Postgres, world: World, databases: Sequence[str]) -> int:
    figures: list[Figure] = []
    for name in databases:
        figures += asyncio.run(measure_database(server, world, name, runs=5))
    report(
        f"\n{world.orders:,} orders, {world.accounts:,} accounts, {world.products:,} products\n\n{table(figures)}\n"
    )
    violations = [violation for figure in figures for violation in figure.violations(times=True)]
    report(
        "\n".join(f"FAIL  {violation}" for violation in violations)
        or f"{len(figures)} measures, every limit met"
    )
    return 1 if violations else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures every list and sweep on large databases.")
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument(
        "--folder",
        type=Path,
        help="folder of the data during the run (default: a temporary folder)",
    )
    parser.add_argument(
        "--keep", type=Path, help="keep the data in this folder, and use it again in the next run"
    )
    parser.add_argument("--only", nargs="+", choices=DATABASES, help="databases to measure (default: all)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
