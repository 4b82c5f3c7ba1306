"""Migrations: SQL files applied in order, each once, forward only.

kit's own files (the outbox and the inbox) come first in every database, then `<package>/migrations/NNNN_<words>.sql`.
What was applied is recorded with its checksum in the table `migrations`; an applied file that changed is an error.
There are no down migrations: expand first, contract in a later release.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from kit.db.faults import translate

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x50554B4D  # any number, the same in every process: one migrates, the others wait
_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The files contradict each other or what was applied, or a database cannot take them."""


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

        Each file runs in a transaction of its own together with its record, under an advisory lock.
        """
        wanted = self.all()
        try:
            connection = await asyncpg.connect(url, timeout=10)
        except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidPasswordError):
            raise
        except Exception as error:
            raise translate(error) from error
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
            return await _apply(connection, wanted)
        finally:
            await connection.close(timeout=10)


async def _apply(connection: asyncpg.Connection, wanted: list[Migration]) -> list[str]:
    await connection.execute(_TABLE)
    rows = await connection.fetch("SELECT name, checksum FROM migrations")
    applied: dict[str, str] = {row["name"]: row["checksum"] for row in rows}
    for migration in wanted:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationError(f"{migration.name} was changed after it had been applied; write a new one")
    missing = [migration for migration in wanted if migration.name not in applied]
    for migration in missing:
        await _apply_one(connection, migration)
    return [migration.name for migration in missing]


async def _apply_one(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{migration.name}: {error}") from error


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
    return list(found.values())
