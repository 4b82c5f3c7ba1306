"""Bounded counts of lists."""

from kit.values.page import MAX_COUNT


def bounded_count(rows: str) -> str:
    """SQL that counts the rows of a SELECT, up to MAX_COUNT + 1; see `kit.values.exact_count`.

    The SELECT needs an ORDER BY that matches an index with its filter. Without it, PostgreSQL may expect to find enough rows early in the
    table and scan all of it, when a value is rarer than estimated.
    """
    return f"SELECT count(*) FROM ({rows} LIMIT {MAX_COUNT + 1:d}) counted"  # noqa: S608 - of constants
