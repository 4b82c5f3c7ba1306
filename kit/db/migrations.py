"""Migrations: SQL files applied in order, each once, forward only.

kit's own files (the outbox and the inbox) come first in every database, then `<package>/migrations/NNNN_<words>.sql`.
What was applied is recorded with its checksum in the table `migrations`; an applied file that changed is an error.
There are no down migrations: expand first, contract in a later release. How a file is run: `kit.db.migrating`.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import asyncpg

from kit.db.errors import translate
from kit.db.migrating import MigrationError, run, statements_of
from kit.db.session import connect
from kit.telemetry import get_logger

log = get_logger(__name__)

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x50554B4D  # any number, the same in every process: one migrates, the others wait
_LOCK_PAUSE_SECONDS = 0.2
_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `name` is `<package>/<file without .sql>`."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, line ends unified."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


class Migrations:
    """The migrations of one service: `Migrations("order")`."""

    def __init__(self, package: str) -> None:
        self._package = package

    def all(self) -> list[Migration]:
        """kit's files and the service's, in the order in which they are applied."""
        return [*_read("kit", "kit.db", "sql"), *_read(self._package, self._package, "migrations")]

    async def apply(self, url: str) -> list[str]:
        """Brings a database up to date and returns the names of what it applied; harmless to repeat or race.

        Each file runs in a transaction of its own together with its record, or statement by statement when its first line
        says `-- transaction: none`; all under an advisory lock.
        """
        wanted = self.all()
        try:
            connection = await connect(url, "souk-migrate")
        except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidPasswordError):
            raise
        except Exception as error:
            raise translate(error) from error
        try:
            connection.add_log_listener(_report)
            await _lock(connection)
            return await _apply(connection, wanted)
        finally:
            await connection.close(timeout=10)


def _report(_: object, message: Any) -> None:
    """What a migration raises as WARNING: rows that an operator should look at."""
    if message.severity == "WARNING":
        log.warning("migration.found", found=message.message)


async def _lock(connection: Any) -> None:
    """Waits until no other process migrates this database.

    It polls, because a session that waits for a lock has a snapshot, and CREATE INDEX CONCURRENTLY waits for older snapshots.
    """
    while True:
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return
        await asyncio.sleep(_LOCK_PAUSE_SECONDS * random.uniform(0.5, 1))


async def _apply(connection: Any, wanted: list[Migration]) -> list[str]:
    await connection.execute(_TABLE)
    rows = await connection.fetch("SELECT name, checksum FROM migrations")
    applied: dict[str, str] = {row["name"]: row["checksum"] for row in rows}
    for migration in wanted:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationError(f"{migration.name} was changed after it had been applied; write a new one")
    missing = [migration for migration in wanted if migration.name not in applied]
    for migration in missing:
        await run(connection, migration.name, migration.sql, migration.checksum)
    return [migration.name for migration in missing]


def _read(label: str, package: str, folder: str) -> list[Migration]:
    found: dict[str, Migration] = {}
    directory = files(package).joinpath(folder)
    for file in sorted(directory.iterdir(), key=lambda entry: entry.name) if directory.is_dir() else []:
        if not file.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise MigrationError(f"{label}/{file.name}: a migration is named NNNN_<words>.sql")
        if match[1] in found:
            raise MigrationError(f"{label}/{file.name}: the number {match[1]} is taken")
        found[match[1]] = Migration(f"{label}/{file.name.removesuffix('.sql')}", file.read_text("utf-8"))
        statements_of(found[match[1]].name, found[match[1]].sql)
    return list(found.values())
