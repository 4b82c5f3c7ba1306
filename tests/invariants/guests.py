"""Invariants of guests and order numbers that hold whenever the stack is idle."""

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

_OWNERS = ("order", "payment", "notification")
_TABLES = """
SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'account_id' ORDER BY 1
"""
_MERGED = """
SELECT g.id, g.merged_into, a.guest AS into_guest, g.delete_time FROM accounts g LEFT JOIN accounts a ON a.id = g.merged_into
WHERE g.merged_into IS NOT NULL
"""


async def merged(sources: DataSources) -> CheckResult:
    """No row names a guest that was merged into an account; the account that it was merged into is no guest."""
    guests = await sources.rows("account", _MERGED)
    ids = [row["id"] for row in guests]
    violations = [
        f"guest {row['id']} was merged into a guest, or is not deleted"
        for row in guests
        if row["into_guest"] is not False or row["delete_time"] is None
    ]
    for name in _OWNERS:
        for table in [row["table_name"] for row in await sources.rows(name, _TABLES)]:
            sql = f"SELECT account_id, count(*) AS n FROM {table} WHERE account_id = ANY($1::uuid[]) GROUP BY account_id"
            rows = await sources.rows(name, sql, ids)
            violations += [f"{row['n']} {table} of the merged guest {row['account_id']}" for row in rows]
    return check_result("nothing names a merged guest", len(guests), violations)


async def moved(sources: DataSources) -> CheckResult:
    """Every order that a guest placed before it was merged belongs to the account that it was merged into."""
    accounts = {row["id"]: row["merged_into"] for row in await sources.rows("account", _MERGED)}
    sql = "SELECT id, caller_id, account_id FROM orders WHERE caller_id = ANY($1::uuid[])"
    orders = await sources.rows("order", sql, list(accounts))
    return check_result(
        "every order of a merged guest is its account's",
        len(orders),
        (
            f"order {row['id']} of guest {row['caller_id']} belongs to {row['account_id']}"
            for row in orders
            if row["account_id"] != accounts[row["caller_id"]]
        ),
    )


async def passwords(sources: DataSources) -> CheckResult:
    """No guest has a password, a role other than USER, or an email by which it could be found."""
    guests = await sources.rows("account", "SELECT id, password_hash, role, email FROM accounts WHERE guest")
    return check_result(
        "no guest can sign in",
        len(guests),
        (
            f"guest {row['id']} has a password, the role {row['role']} or an email"
            for row in guests
            if row["password_hash"] or row["role"] != "USER" or row["email"]
        ),
    )


async def numbers(sources: DataSources) -> CheckResult:
    """Every order has a number of its own, from 1001."""
    rows = await sources.rows(
        "order", "SELECT order_number(number, id) AS number, count(*) AS n FROM orders GROUP BY 1"
    )
    return check_result(
        "every order has a number of its own",
        len(rows),
        (
            f"{row['n']} orders have the number {row['number']}"
            for row in rows
            if row["n"] != 1 or row["number"] <= 1000
        ),
    )
