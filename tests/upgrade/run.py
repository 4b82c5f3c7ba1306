"""make upgrade-test: upgrades a stack with ten million orders from an older commit to this version, while shoppers use it.

The older commit fills a PostgreSQL with its own `make scale-test`, and its services run on it. This version's migrations are applied, and
its services replace the older ones, in the order of docs/operations/upgrade.md. It prints its figures, and fails when a request failed or
what `tests.upgrade.checks` lists does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import bcrypt

from tests.e2e.shop import PASSWORD
from tests.upgrade.checks import Databases
from tests.upgrade.stack import MIGRATING, ROLLOUT, UpgradeStack
from tests.upgrade.traffic import Traffic
from tests.upgrade.version import Version, checkout

_SET_PASSWORD: Final = "UPDATE accounts SET password_hash = $1 WHERE email = ANY($2::text[])"
_MIGRATING: Final = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'souk-migrate')
"""
_POLL_SECONDS: Final = 0.1


def fill(version: Version, folder: Path, sizes: Mapping[str, int]) -> None:
    """Fills a folder with the databases of a version; does nothing if that was done before. Raises RuntimeError."""
    filled = folder / "world.json"
    if filled.exists():
        return
    options = [option for name, size in sizes.items() for option in (f"--{name}", str(size))]
    # It measures after filling, which is not needed here: only the fewest measures.
    command = version.filler("--keep", str(folder), "--only", "notification", *options)
    subprocess.run(command, env={**os.environ, **version.environment()}, check=False)
    if not filled.exists():
        raise RuntimeError("the databases could not be filled")


async def upgrade(
    stack: UpgradeStack, traffic: Traffic, *, shoppers: int, pause: float
) -> tuple[Mapping[str, float], list[str]]:
    """Upgrades a running stack under traffic: the seconds of each migration, and what does not hold."""
    started, migrations = datetime.now(UTC), dict[str, float]()
    await _set_passwords(stack, traffic)
    await traffic.prepare()
    shopping = asyncio.create_task(traffic.run(shoppers))
    try:
        with traffic.during("the old version"):
            await asyncio.sleep(pause)
        for service in MIGRATING:
            with traffic.during(f"migrate {service}"):
                migrations |= await _migrate(stack, service)
        for service in ROLLOUT:
            with traffic.during(f"roll {service}"):
                await stack.roll(service)
        with traffic.during("the new version"):
            await asyncio.gather(asyncio.sleep(pause), traffic.read_numbers())
        exited = stack.exited()
    finally:
        traffic.stop()
        await shopping
    databases = await Databases.open({name: stack.database(name) for name in MIGRATING})
    try:
        return migrations, [*exited, *await databases.violations(traffic, started)]
    finally:
        await databases.close()


async def _set_passwords(stack: UpgradeStack, traffic: Traffic) -> None:
    connection = await asyncpg.connect(stack.database("account"))
    try:
        password_hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
        await connection.execute(_SET_PASSWORD, password_hash, traffic.accounts)
    finally:
        await connection.close()


async def _migrate(stack: UpgradeStack, service: str) -> dict[str, float]:
    """The seconds that each migration took."""
    connection = await asyncpg.connect(stack.database(service))
    migrating = asyncio.create_task(stack.migrate(service))
    seconds: dict[str, float] = {}
    try:
        known, started = await _applied(connection), 0.0
        finished = False
        while not finished:
            await asyncio.wait([migrating], timeout=_POLL_SECONDS)
            finished = migrating.done()
            # The process itself takes a while to start.
            if not started and await connection.fetchval(_MIGRATING):
                started = time.monotonic()
            for name in sorted(await _applied(connection) - known - seconds.keys()):
                now = time.monotonic()
                seconds[name], started = now - (started or now), now
                print(f"        {name}: {seconds[name]:,.1f} s", flush=True)
        await migrating
    finally:
        await connection.close()
    return seconds


async def _applied(connection: asyncpg.Connection) -> set[str]:
    return {row["name"] for row in await connection.fetch("SELECT name FROM migrations")}


async def _run(version: Version, database: Path, state: Path, arguments: argparse.Namespace) -> int:
    stack = UpgradeStack(version, database, state)
    async with stack.running(), stack.shop() as shop:
        traffic = Traffic(shop, [f"user.{number}@example.com" for number in range(arguments.shoppers)])
        migrations, violations = await upgrade(
            stack, traffic, shoppers=arguments.shoppers, pause=arguments.pause
        )
    failures = traffic.figures.failures
    slowest = sorted(migrations.items(), key=lambda item: -item[1])
    print(f"\n{traffic.figures}\n\n| migration | seconds |\n|---|--:|")
    print("\n".join(f"| {name} | {seconds:,.1f} |" for name, seconds in slowest if seconds >= 1))
    print(
        f"\n{len(traffic.figures.requests):,} requests, {len(failures):,} failed; {len(traffic.orders):,} orders; "
        f"{len(migrations)} migrations; {len(violations)} violations"
    )
    for text in (*map(str, failures), *violations):
        print(f"FAIL  {text}")
    return 1 if failures or violations else 0


@contextmanager
def _version(arguments: argparse.Namespace) -> Iterator[Version]:
    if arguments.checkout:
        yield Version(arguments.checkout.resolve())
        return
    with checkout(arguments.commit, arguments.fix) as version:
        yield version


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if no request failed and everything holds."""
    parser = argparse.ArgumentParser(
        description="Upgrades a large stack from an older commit, under traffic."
    )
    older = parser.add_mutually_exclusive_group(required=True)
    older.add_argument("--from", dest="commit", help="the older commit; a worktree of it is built by Bazel")
    parser.add_argument(
        "--fix", action="append", default=[], help="a later commit that the older version has too; repeatable"
    )
    older.add_argument("--checkout", type=Path, help="an existing checkout of the older commit")
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--shoppers", type=int, default=8)
    parser.add_argument("--pause", type=float, default=20, help="seconds of traffic before and after")
    parser.add_argument("--state", type=Path, help="folder in which logs and data are kept, and used again")
    arguments = parser.parse_args(argv)
    sizes = {name: getattr(arguments, name) for name in ("orders", "accounts", "products")}
    with tempfile.TemporaryDirectory(prefix="souk-upgrade-") as folder, _version(arguments) as version:
        state = (arguments.state or Path(folder)).resolve()
        fill(version, state / "database", sizes)
        return asyncio.run(_run(version, state / "database", state, arguments))


if __name__ == "__main__":
    sys.exit(main())
