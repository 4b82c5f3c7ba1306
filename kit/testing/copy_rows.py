"""Many rows for a test, of one that a store wrote."""

from typing import Any


async def copy_rows(db: Any, table: str, count: int, **columns: str) -> None:
    """Adds so many copies of the table's newest row; `columns` are the SQL of what differs, in which `n` counts from 1.

    >>> await copies(db, "orders", 10_000, id="gen_random_uuid()", request_id="n::text")
    """
    # With n in it, so that it is evaluated for each copy.
    changed = ", ".join(["'', n", *(f"'{name}', {value}" for name, value in columns.items())])
    await db.execute(
        f"INSERT INTO {table} SELECT copy.* "  # noqa: S608 - of a test's own
        f"FROM (SELECT * FROM {table} ORDER BY ctid DESC LIMIT 1) made, generate_series(1, $1::int) n, "
        f"jsonb_populate_record(NULL::{table}, to_jsonb(made) || jsonb_build_object({changed})) copy",
        count,
    )
