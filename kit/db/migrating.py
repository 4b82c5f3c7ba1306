"""Runs one migration file on a database in use.

A file runs in one transaction with a short `lock_timeout`, and is retried when it cannot get its locks: a statement that waits for a table
lock blocks every later query of that table.

A file whose first line is `-- transaction: none` runs statement by statement without a transaction, for statements that PostgreSQL does not
allow in one. A file that fails halfway is run again from its start, so it may only contain idempotent statements: `CREATE [UNIQUE] INDEX
CONCURRENTLY IF NOT EXISTS`, `DROP INDEX CONCURRENTLY IF EXISTS`, `ALTER TABLE ... VALIDATE CONSTRAINT`, `[VACUUM] ANALYZE` and `CALL` of a
procedure without arguments, which changes rows in batches, commits each and continues where an earlier run ended. Each is ended by a
semicolon at the end of a line. An index that an earlier run left invalid is dropped before it is created again.
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
# Short, because queries queue behind a waiting lock request; long enough for ordinary transactions to finish.
LOCK_TIMEOUT_SECONDS = 2.0
# About two minutes, including the pauses.
LOCK_ATTEMPTS = 30
_PAUSE_SECONDS = 2.0

_RECORD = "INSERT INTO migrations (name, checksum) VALUES ($1, $2)"
_CREATE = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+) ", re.IGNORECASE)
_IDEMPOTENT = (
    _CREATE,
    re.compile(r"DROP INDEX CONCURRENTLY IF EXISTS \w+", re.IGNORECASE),
    re.compile(r"ALTER TABLE \w+ VALIDATE CONSTRAINT \w+", re.IGNORECASE),
    re.compile(r"(?:VACUUM )?ANALYZE \w+$", re.IGNORECASE),
    re.compile(r"CALL \w+\(\)$", re.IGNORECASE),
)
_INVALID = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid"


class MigrationError(Exception):
    """The files are inconsistent with each other or with what was applied, or a statement failed."""


def statements_of(name: str, sql: str) -> list[str] | None:
    """The statements of a file that runs without a transaction, None for other files; raises MigrationError for a forbidden statement."""
    if sql.partition("\n")[0].strip() != NO_TRANSACTION:
        return None
    text = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    statements = [" ".join(part.split()) for part in re.split(r";[ \t]*(?:\n|$)", text) if part.strip()]
    for statement in statements:
        if not any(pattern.match(statement) for pattern in _IDEMPOTENT):
            raise MigrationError(
                f"{name}: only idempotent statements are allowed without a transaction, not: {statement[:80]}"
            )
    return statements


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
            log.warning("migration.waiting_for_lock", migration=name, attempt=attempt, error=str(error))
        # Lets the queries run that were queued behind us.
        await asyncio.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1))


async def _one_by_one(connection: Any, statements: list[str]) -> None:
    # Waiting is harmless: these statements do not block queries.
    await connection.execute("SET lock_timeout = 0")
    for statement in statements:
        created = _CREATE.match(statement)
        if created and await connection.fetchval(_INVALID, created[1]):
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {created[1]}")
        await connection.execute(statement)
