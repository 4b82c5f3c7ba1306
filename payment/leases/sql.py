"""The SQL that leases due rows."""

# LIMIT is inlined so that the planner uses the index on due_time instead of reading the table.
_LEASE = """
UPDATE {table} SET due_time = $2, attempts = attempts + 1
WHERE {key} IN (
    SELECT {key} FROM {table} WHERE due_time <= $1 AND {condition} ORDER BY due_time LIMIT {limit:d} FOR UPDATE SKIP LOCKED
)
RETURNING *
"""


def lease_rows(table: str, condition: str, limit: int, *, key: str = "id") -> str:
    """Leases up to `limit` rows that are due at $1 until $2, and returns them; `key`: the primary key."""
    return _LEASE.format(table=table, condition=condition, limit=limit, key=key)
