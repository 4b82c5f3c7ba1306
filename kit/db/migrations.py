"""Migrations: SQL files applied in order, each once, forward only.

kit's own files (outbox and inbox) come first in every database, then `<package>/migrations/NNNN_<words>.sql`. The table `migrations`
records applied files with their checksums; changing an applied file is an error. A file that must change is replaced by one with its number
and another name, which has the same result on databases that applied the replaced one. There are no down migrations: expand first, contract
in a later release. `kit.db.migrating` runs a single file.
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
_LOCK = 0x50554B4D  # Any number, the same in every process: one migrates, the others wait.
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
        """SHA-256 of the text with normalized line endings."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


class Migrations:
    """The migrations of one service: `Migrations("order")`."""

    def __init__(self, package: str) -> None:
        self._package = package

    def all(self) -> list[Migration]:
        """kit's files and the service's, in the order of application."""
        return [*_read("kit", "kit.db", "sql"), *_read(self._package, self._package, "migrations")]

    async def apply(self, url: str) -> list[str]:
        """Applies missing migrations and returns their names; idempotent, and safe to run concurrently.

        Each file runs in its own transaction together with its record, or statement by statement when its first line is
        `-- transaction: none`. An advisory lock serializes concurrent runs.
        """
        migrations = self.all()
        try:
            connection = await connect(url, "souk-migrate")
        except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidPasswordError):
            raise
        except Exception as error:
            raise translate(error) from error
        try:
            connection.add_log_listener(_log_warning)
            await _lock(connection)
            return await _apply(connection, migrations)
        finally:
            await connection.close(timeout=10)


def _log_warning(_: object, message: Any) -> None:
    """Logs the WARNINGs of a migration: rows that an operator should check."""
    if message.severity == "WARNING":
        log.warning("migration.warning", message=message.message)


async def _lock(connection: Any) -> None:
    """Waits until no other process migrates this database.

    It polls, because a session that waits for a lock holds a snapshot, and CREATE INDEX CONCURRENTLY waits for older snapshots.
    """
    while True:
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return
        await asyncio.sleep(_LOCK_PAUSE_SECONDS * random.uniform(0.5, 1))


async def _apply(connection: Any, migrations: list[Migration]) -> list[str]:
    await connection.execute(_TABLE)
    rows = await connection.fetch("SELECT name, checksum FROM migrations")
    applied: dict[str, str] = {row["name"]: row["checksum"] for row in rows}
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationError(f"{migration.name} was changed after it had been applied; write a new one")
    missing = [migration for migration in migrations if migration.name not in applied]
    for migration in missing:
        await run(connection, migration.name, migration.sql, migration.checksum)
    return [migration.name for migration in missing]


def _read(label: str, package: str, folder: str) -> list[Migration]:
    by_number: dict[str, Migration] = {}
    directory = files(package).joinpath(folder)
    for file in sorted(directory.iterdir(), key=lambda entry: entry.name) if directory.is_dir() else []:
        if not file.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise MigrationError(f"{label}/{file.name}: a migration is named NNNN_<words>.sql")
        if match[1] in by_number:
            raise MigrationError(f"{label}/{file.name}: the number {match[1]} is taken")
        by_number[match[1]] = Migration(f"{label}/{file.name.removesuffix('.sql')}", file.read_text("utf-8"))
        statements_of(by_number[match[1]].name, by_number[match[1]].sql)
    return list(by_number.values())
