"""Fills the databases of a stack: migrated tables, then COPY, then what pg_dump calls post-data (indexes, keys, triggers).

Rows are copied frozen and without WAL, which PostgreSQL allows after TRUNCATE in the same transaction, and each index is built once.
"""

import asyncio
import multiprocessing
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from kit.db import Migrations
from kit.testing.servers import Postgres, program
from tests.scale.account_rows import ACCOUNT_TABLES, NOTIFICATION_TABLES
from tests.scale.cart_rows import CART_TABLES
from tests.scale.catalog_rows import CATALOG_TABLES
from tests.scale.copying import HEADER, TRAILER
from tests.scale.event_rows import EVENT_TABLES
from tests.scale.order_rows import ORDER_TABLES, PAYMENT_TABLES
from tests.scale.payment_rows import METHOD_TABLES
from tests.scale.tables import Table
from tests.scale.world import World

DATABASES = ("account", "catalog", "notification", "order", "payment")
TABLES = [
    *ORDER_TABLES,
    *CART_TABLES,
    *PAYMENT_TABLES,
    *METHOD_TABLES,
    *CATALOG_TABLES,
    *NOTIFICATION_TABLES,
    *ACCOUNT_TABLES,
    *EVENT_TABLES,
]
MAX_BYTES = 35_000_000_000
# For a machine of 24 GiB and a server that only this test uses; its data may be lost when it is killed.
SETTINGS = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "30min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}
_CHUNK = 20_000
_REPORT_SECONDS = 15.0
_copied: Any = None
Report = Callable[[str], None]


class NotEnoughDisk(Exception):
    """The disk of the folder is too small for the databases."""


def check_disk(folder: Path, world: World) -> None:
    """Raises NotEnoughDisk."""
    free, needed = shutil.disk_usage(folder).free, world.bytes_needed
    if needed > MAX_BYTES:
        raise NotEnoughDisk(
            f"the databases need {_gigabytes(needed)}, more than the {_gigabytes(MAX_BYTES)} allowed"
        )
    if free < needed + (2 << 30):
        raise NotEnoughDisk(
            f"{folder} has {_gigabytes(free)} free; the databases need {_gigabytes(needed)} and a reserve of 2 GiB"
        )


def fill(server: Postgres, world: World, folder: Path, report: Report) -> None:
    """Creates and fills the five databases on a running server; dumps of their schemas go to `folder`."""
    started = time.monotonic()
    for name in DATABASES:
        server.create_database(f"{name}_schema")
        asyncio.run(_migrated(server.url(f"{name}_schema"), name))
        server.create_database(name)
        _run("pg_dump", "-Fc", "--schema-only", "-f", str(_dump(folder, name)), server.url(f"{name}_schema"))
        _run("pg_restore", "--section=pre-data", "-d", server.url(name), str(_dump(folder, name)))
    _copy_all(server, world, started, report)
    for name in DATABASES:
        # One job per processor; one job builds an index.
        jobs = str(os.cpu_count() or 1)
        _run(
            "pg_restore",
            "--section=post-data",
            "--jobs",
            jobs,
            "-d",
            server.url(name),
            str(_dump(folder, name)),
        )
        asyncio.run(_copy_migrated_rows_and_analyze(server.url(name), server.url(f"{name}_schema")))
        report(
            f"{name}: indexes, keys and statistics created, {time.monotonic() - started:.0f} s since the start"
        )


async def migrate(server: Postgres) -> None:
    """Brings databases that were filled earlier up to date."""
    for name in DATABASES:
        await Migrations(name).apply(server.url(name))


def sizes(server: Postgres) -> dict[str, int]:
    """Bytes of each database."""

    async def ask() -> dict[str, int]:
        connection = await asyncpg.connect(server.url())
        try:
            return {
                name: await connection.fetchval("SELECT pg_database_size($1)", name) for name in DATABASES
            }
        finally:
            await connection.close()

    return asyncio.run(ask())


def _copy_all(server: Postgres, world: World, started: float, report: Report) -> None:
    context = multiprocessing.get_context("fork")
    copied = context.Value("q")
    largest_first = sorted(range(len(TABLES)), key=lambda number: -len(TABLES[number].items(world)))
    # The functions of a table cannot be sent to another process, its position in TABLES can.
    with ProcessPoolExecutor(
        os.cpu_count() or 1, mp_context=context, initializer=_remember, initargs=(copied,)
    ) as pool:
        copies = {
            pool.submit(_copy_table, server.url(TABLES[number].database), number, world)
            for number in largest_first
        }
        while copies:
            finished, copies = wait(copies, _REPORT_SECONDS)
            for copy in finished:
                copy.result()
            spent = time.monotonic() - started
            share = min(1, copied.value / world.rows)
            left = spent / share - spent if share else 0
            report(
                f"{copied.value:,} rows copied, {share:.0%}, in {spent:.0f} s; about {left:.0f} s left, then the indexes"
            )


def _remember(copied: Any) -> None:
    """Stores the counter that all processes share."""
    global _copied
    _copied = copied


def _copy_table(url: str, number: int, world: World) -> None:
    asyncio.run(_copy(url, TABLES[number], world, _copied))


async def _copy(url: str, table: Table, world: World, copied: Any) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield HEADER
        encoded_rows = table.rows(world, table.items(world))
        while chunk := list(islice(encoded_rows, _CHUNK)):
            yield b"".join(chunk)
            with copied.get_lock():
                copied.value += len(chunk)
        yield TRAILER

    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(f"TRUNCATE {table.name}")
            options: dict[str, Any] = {"columns": table.columns.split(), "format": "binary", "freeze": True}
            await connection.copy_to_table(table.name, source=source(), **options)
    finally:
        await connection.close()


async def _migrated(url: str, name: str) -> None:
    await Migrations(name).apply(url)


async def _copy_migrated_rows_and_analyze(url: str, schema_url: str) -> None:
    connection, schema = [
        await asyncpg.connect(address, command_timeout=3600) for address in (url, schema_url)
    ]
    try:
        # Also rows that migrations insert, such as the shop's settings.
        for (table,) in await schema.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            rows = await schema.fetch(f"SELECT * FROM {table}")
            if rows and not await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):
                await connection.copy_records_to_table(table, records=[tuple(row) for row in rows])
        await connection.execute("ANALYZE")
        if await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
            await connection.execute(
                "SELECT setval(pg_get_serial_sequence('outbox', 'id'), max(id)) FROM outbox"
            )
    finally:
        await connection.close()
        await schema.close()


def _dump(folder: Path, name: str) -> Path:
    return folder / f"{name}.dump"


def _run(name: str, *arguments: str) -> None:
    finished = subprocess.run([program(name), *arguments], capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"{name} failed:\n{finished.stdout}{finished.stderr}")


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
