"""Runs one migration file on a database that is being used.

A file runs in one transaction, which asks for its locks with a `lock_timeout` and starts again when it did not get them: a
statement that waits for a table lock blocks every later query of that table.

A file whose first line is `-- transaction: none` runs statement by statement outside a transaction, for what PostgreSQL refuses inside
one. It may only contain statements that are harmless to repeat, because one that fails half way is run again from its
start: `CREATE [UNIQUE] INDEX CONCURRENTLY IF NOT EXISTS`, `DROP INDEX CONCURRENTLY IF EXISTS`, `ALTER TABLE ... VALIDATE
CONSTRAINT`, `ANALYZE` and `VACUUM`, each ended by a semicolon at the end of a line. An index that an earlier run left
invalid is dropped before it is created again.
"""

from __future__ import annotations

import asyncio
import random
import re
from typing import Any

import asyncpg

from kit.telemetry import get_logger

log = get_logger(__name__)

NO_TRANSACTION = "-- transaction: none"
# Short, because queries queue up behind a lock that is waited for; long enough for ordinary transactions to end.
LOCK_TIMEOUT_SECONDS = 2.0
# With the pauses between them about two minutes.
LOCK_ATTEMPTS = 30
_PAUSE_SECONDS = 2.0

_RECORD = "INSERT INTO migrations (name, checksum) VALUES ($1, $2)"
_CREATE = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+) ", re.IGNORECASE)
_REPEATABLE = (
    _CREATE,
    re.compile(r"DROP INDEX CONCURRENTLY IF EXISTS \w+", re.IGNORECASE),
    re.compile(r"ALTER TABLE \w+ VALIDATE CONSTRAINT \w+", re.IGNORECASE),
    re.compile(r"(ANALYZE|VACUUM)\b", re.IGNORECASE),
)
_INVALID = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid"


class MigrationError(Exception):
    """The files contradict each other or what was applied, or a database cannot take them."""


def statements_of(name: str, sql: str) -> list[str] | None:
    """The statements of a file that runs without a transaction, None for any other; raises MigrationError for what may not be in it."""
    if sql.partition("\n")[0].strip() != NO_TRANSACTION:
        return None
    text = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    found = [" ".join(part.split()) for part in re.split(r";[ \t]*(?:\n|$)", text) if part.strip()]
    for statement in found:
        if not any(allowed.match(statement) for allowed in _REPEATABLE):
            raise MigrationError(
                f"{name}: without a transaction only what is harmless to repeat, not: {statement[:80]}"
            )
    return found


async def run(connection: Any, name: str, sql: str, checksum: str) -> None:
    """Applies a file and records it; raises MigrationError."""
    statements = statements_of(name, sql)
    try:
        if statements is None:
            await _in_transaction(connection, name, sql, checksum)
        else:
            await _one_by_one(connection, statements)
            await connection.execute(_RECORD, name, checksum)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{name}: {error}") from error


async def _in_transaction(connection: Any, name: str, sql: str, checksum: str) -> None:
    await connection.execute(f"SET lock_timeout = {int(LOCK_TIMEOUT_SECONDS * 1000)}")
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            async with connection.transaction():
                await connection.execute(sql)
                await connection.execute(_RECORD, name, checksum)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if attempt == LOCK_ATTEMPTS:
                raise
            log.warning("migration.waits_for_lock", migration=name, attempt=attempt, error=str(error))
        # Whoever was queued behind us goes first.
        await asyncio.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1))


async def _one_by_one(connection: Any, statements: list[str]) -> None:
    # Waiting blocks nobody here: these statements lock rows and tables for no query.
    await connection.execute("SET lock_timeout = 0")
    for statement in statements:
        created = _CREATE.match(statement)
        if created and await connection.fetchval(_INVALID, created[1]):
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {created[1]}")
        await connection.execute(statement)
