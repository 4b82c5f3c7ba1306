"""How many rows statements read, for tests of their plans."""

from kit.db import Database

_ROWS_READ = """
SELECT (SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables)
    + (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes)
"""


async def rows_read(db: Database) -> int:
    """Rows that scans of tables and indexes have read so far; statements of other connections count once these are at rest."""
    await db.execute("SELECT pg_stat_force_next_flush()")
    return int(await db.fetchval(_ROWS_READ))
