"""Invariants of saved payment methods."""

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

# A deletion in the last minute may not have arrived.
_DELETED = "SELECT id FROM accounts WHERE delete_time < now() - interval '1 minute'"
_METHODS = "SELECT id, account_id, is_default FROM saved_methods WHERE state = 'SAVED'"
# Workers delete a customer at the provider within seconds; while the provider is down they repeat it every 30 seconds.
_CUSTOMERS = """
SELECT account_id, delete_time FROM provider_customers
WHERE delete_time < now() - interval '15 minutes' AND (provider_id <> '' OR due_time IS NOT NULL)
"""


async def saved_methods(sources: DataSources) -> CheckResult:
    """Every saved method's account lives, and of an account's methods one is the default."""
    rows = await sources.rows("payment", _METHODS)
    deleted = {row["id"] for row in await sources.rows("account", _DELETED)}
    violations = [
        f"method {row['id']} is of {row['account_id']}, which was deleted"
        for row in rows
        if row["account_id"] in deleted
    ]
    accounts = {row["account_id"] for row in rows}
    with_default = {row["account_id"] for row in rows if row["is_default"]}
    violations += [f"account {account} has methods but no default" for account in accounts - with_default]
    return check_result("every saved payment method's account lives", len(rows), sorted(violations))


async def provider_customers(sources: DataSources) -> CheckResult:
    """No deleted account is a customer at the provider any more."""
    late = await sources.rows("payment", _CUSTOMERS)
    [count] = await sources.rows("payment", "SELECT count(*) AS n FROM provider_customers")
    return check_result(
        "no deleted account is a customer of the provider",
        count["n"],
        (f"account {row['account_id']} since {row['delete_time']:%H:%M:%S}" for row in late),
    )
