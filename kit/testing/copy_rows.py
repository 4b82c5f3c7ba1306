"""Copies a row many times, for tests of large tables."""

from typing import Any


async def copy_rows(db: Any, table: str, count: int, **columns: str) -> None:
    """Adds `count` copies of the table's newest row; `columns` are SQL expressions of changed columns, in which `n` counts from 1.

    >>> await copies(db, "orders", 10_000, id="gen_random_uuid()", request_id="n::text")
    """
    # Contains n, so that PostgreSQL evaluates it for each copy.
    changed = ", ".join(["'', n", *(f"'{name}', {value}" for name, value in columns.items())])
    await db.execute(
        f"INSERT INTO {table} SELECT copy.* "  # noqa: S608 - constants of a test
        f"FROM (SELECT * FROM {table} ORDER BY ctid DESC LIMIT 1) made, generate_series(1, $1::int) n, "
        f"jsonb_populate_record(NULL::{table}, to_jsonb(made) || jsonb_build_object({changed})) copy",
        count,
    )
