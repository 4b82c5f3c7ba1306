"""Counts of lists that end somewhere."""

from kit.values.page import MAX_COUNT


def bounded_count(rows: str) -> str:
    """The SQL of the number of rows of a SELECT, MAX_COUNT + 1 when there are more than MAX_COUNT; see `kit.values.exact_count`.

    The SELECT is in the order of an index that has its filter: without an order PostgreSQL, which does not know how rare a value is,
    may expect enough rows at the begin of the table and read it to its end.
    """
    return f"SELECT count(*) FROM ({rows} LIMIT {MAX_COUNT + 1:d}) counted"  # noqa: S608 - of constants
