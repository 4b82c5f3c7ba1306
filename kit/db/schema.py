"""Compares declared tables with a migrated database, for a test in each service."""

from __future__ import annotations

import re
from collections.abc import Iterable

import asyncpg

from kit.db.tables import Table

_KIT_TABLES = frozenset({"dead_letters", "inbox", "migrations", "outbox"})  # kit's, which no service declares
_COLUMNS = """
SELECT c.relname AS table, a.attname AS column, a.atttypid::regtype::text AS type, NOT a.attnotnull AS nullable
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
_ALIASES = {
    "bigserial": "bigint",
    "bool": "boolean",
    "serial": "integer",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "varchar": "character varying",
}


async def assert_tables_match(url: str, tables: Iterable[type[Table]]) -> None:
    """Raises AssertionError with all differences between the declared tables and the database.

    Compares table names, and each column's name, type (without its length) and nullability.
    """
    connection = await asyncpg.connect(url, timeout=10)
    try:
        rows = await connection.fetch(_COLUMNS)
    finally:
        await connection.close()
    migrated = {_line(*row) for row in rows if row["table"] not in _KIT_TABLES}
    declared = {_line(*column) for table in tables for column in _columns(table)}
    differences = [f"only declared: {line}" for line in sorted(declared - migrated)]
    differences += [f"only migrated: {line}" for line in sorted(migrated - declared)]
    assert not differences, "\n".join(differences)


def _columns(table: type[Table]) -> Iterable[tuple[str, str, str, bool]]:
    for column in table._meta.columns:
        name: str = column._meta.db_column_name
        yield table._meta.tablename, name, _type(column.column_type), column._meta.null


def _type(declared: str) -> str:
    base, brackets, _ = re.sub(r"\(.*?\)", "", declared.lower()).strip().partition("[")
    return _ALIASES.get(base, base) + ("[]" if brackets else "")


def _line(table: str, column: str, kind: str, nullable: bool) -> str:
    return f"{table}.{column} {kind}{'' if nullable else ' NOT NULL'}"
