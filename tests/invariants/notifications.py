"""Invariants of the mails about orders."""

from collections import Counter

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

_MAILS = {
    "PENDING": "order_placed",
    "CONFIRMED": "order_confirmed",
    "CANCELLED": "order_cancelled",
    "SHIPPED": "shipped",
    "DELIVERED": "delivered",
}
# An account that was a guest keeps the time at which it was to be looked at.
_ACCOUNTS = """
SELECT id, guest, guest_due_time IS NOT NULL AS was_guest, coalesce(email, contact_email) AS email
FROM accounts WHERE delete_time IS NULL
"""


async def notifications(sources: DataSources) -> CheckResult:
    """Every status that an order reached has exactly one notification, unless the account was deleted first.

    One that a guest placed has none until it is paid, also if the guest has registered or was merged since then.
    """
    reached = await sources.rows(
        "order",
        "SELECT order_id, c.status, account_id, c.time < now() - interval '59 days' AS may_be_pruned, "
        "caller_id IN (SELECT guest_id FROM merged_accounts) AS was_merged, "
        "c.status = 'PENDING' OR c.status = 'CANCELLED' AND cancel_reason <> 'RESERVATION_EXPIRED' AND NOT EXISTS ("
        "SELECT FROM order_status_changes p WHERE p.order_id = o.id AND p.status = 'CONFIRMED') AS is_unpaid "
        "FROM order_status_changes c JOIN orders o ON o.id = c.order_id "
        "WHERE c.status = ANY($1::text[])",
        list(_MAILS),
    )
    by_order = Counter(
        (row["order_id"], row["template"])
        for row in await sources.rows(
            "notification",
            "SELECT order_id, template FROM notifications WHERE template = ANY($1::text[])",
            list(_MAILS.values()),
        )
    )
    accounts = {row["id"]: row for row in await sources.rows("account", _ACCOUNTS)}
    violations = []
    for row in reached:
        count = by_order.pop((row["order_id"], _MAILS[row["status"]]), 0)
        account = accounts.get(row["account_id"])
        was_guest = row["was_merged"] or (account is not None and account["was_guest"])
        expected = account is not None and not row["may_be_pruned"] and not (was_guest and row["is_unpaid"])
        if count > 1 or (count == 0 and expected):
            violations.append(f"order {row['order_id']} reached {row['status']}: {count} notifications")
    violations += [
        f"order {order_id}: {n} {template} notifications without that status"
        for (order_id, template), n in by_order.items()
    ]
    return check_result("one notification for every status that an order reached", len(reached), violations)


async def delivered(sources: DataSources) -> CheckResult:
    """Every notification was sent or has failed, except for guests without an address; none was sent to a guest about an unpaid order."""
    rows = await sources.rows(
        "notification",
        "SELECT id, account_id, status, context ->> 'paid' = 'false' AS is_unpaid FROM notifications",
    )
    guests = {row["id"]: row for row in await sources.rows("account", _ACCOUNTS) if row["guest"]}
    queued = [
        f"notification {row['id']} is {row['status']}"
        for row in rows
        if row["status"] == "QUEUED"
        and (row["account_id"] not in guests or guests[row["account_id"]]["email"])
    ]
    queued += [
        f"notification {row['id']} about an unpaid order was sent to a guest"
        for row in rows
        if row["status"] == "SENT" and row["is_unpaid"] and row["account_id"] in guests
    ]
    return check_result("every notification was sent or has failed", len(rows), queued)
