"""The SQL that leases due rows."""

# LIMIT is inlined so that the planner uses the index on due_time instead of reading the table. An array is collected once; a subquery of IN
# may run once per row, and leases other rows each time (ADR 0062).
_LEASE = """
UPDATE {table} SET due_time = $2, attempts = attempts + 1
WHERE {key} = ANY (ARRAY(
    SELECT {key} FROM {table} WHERE due_time <= $1{condition} ORDER BY due_time LIMIT {limit:d} FOR UPDATE SKIP LOCKED
))
RETURNING *
"""


def lease_rows(table: str, limit: int, *, condition: str = "", key: str = "id") -> str:
    """Leases up to `limit` rows that are due at $1 until $2, and returns them; `key`: the primary key.

    Only rows with work have a due_time (a constraint of each table). A condition on their state would say the same, but the planner takes
    it for rare when the queue was empty, and then reads the whole queue.
    """
    return _LEASE.format(
        table=table, condition=f" AND {condition}" if condition else "", limit=limit, key=key
    )
