"""Invariants of carts that hold whenever the stack is idle."""

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

# A cart is deleted some time after it was ordered, and with its account; its orders stay.
_ORDERED = """
SELECT c.id, o.id AS order_id, o.cart_id, o.cancel_reason, o.cancel_reason = ANY($1::text[]) AND NOT EXISTS (
    SELECT FROM order_status_changes s WHERE s.order_id = o.id AND s.status = 'CONFIRMED'
) AS is_unpaid
FROM carts c LEFT JOIN orders o ON o.id = c.order_id
WHERE c.state = 'ORDERED'
"""
_OTHER_ORDERS = """
SELECT o.id, o.cart_id FROM orders o JOIN carts c ON c.id = o.cart_id
WHERE o.status <> 'CANCELLED' AND c.order_id IS DISTINCT FROM o.id
"""
# An order that was cancelled for one of these before it was paid opens its cart again.
_REOPENING = ("PAYMENT_FAILED", "PAYMENT_TIMEOUT", "RESERVATION_EXPIRED", "CUSTOMER")
_VERSIONS = "SELECT cart_id, request_id, count(*) AS n FROM orders WHERE cart_id IS NOT NULL GROUP BY cart_id, request_id"
# A cart that ended is deleted some time later, so the one that it was merged into may be gone.
_MERGED = """
SELECT c.id, c.account_id, t.account_id AS target_account, c.id = c.merged_into AS into_itself
FROM carts c LEFT JOIN carts t ON t.id = c.merged_into WHERE c.state = 'MERGED'
"""
_OPEN = "SELECT account_id, count(*) AS n FROM carts WHERE state = 'OPEN' GROUP BY account_id"
_LINES = """
SELECT c.id, c.state, c.currency, count(l.id) AS lines, coalesce(min(l.quantity), 1) AS smallest, coalesce(max(l.quantity), 1) AS largest
FROM carts c LEFT JOIN cart_lines l ON l.cart_id = c.id GROUP BY c.id
"""
_ERASED = """
SELECT o.id, o.note IS NULL AND coalesce(o.shipping_address ->> 'name', '') || coalesce(o.billing_address ->> 'name', '') = '' AS erased
FROM orders o JOIN closed_accounts USING (account_id)
"""


async def ordered_carts(sources: DataSources) -> CheckResult:
    """Every ORDERED cart has exactly one order that names it and was not cancelled unpaid."""
    carts = await sources.rows("order", _ORDERED, list(_REOPENING))
    violations = [
        f"cart {row['id']} has the order {row['order_id']}, which names {row['cart_id']}, cancelled by {row['cancel_reason']}"
        for row in carts
        if row["cart_id"] != row["id"] or row["is_unpaid"]
    ]
    violations += [
        f"order {row['id']} names the cart {row['cart_id']}, which has another order or none"
        for row in await sources.rows("order", _OTHER_ORDERS)
    ]
    return check_result("every ordered cart has its one order", len(carts), violations)


async def cart_versions(sources: DataSources) -> CheckResult:
    """Every version of a cart has at most one order."""
    versions = await sources.rows("order", _VERSIONS)
    return check_result(
        "every version of a cart became at most one order",
        len(versions),
        (f"cart {row['cart_id']} has {row['n']} orders of one version" for row in versions if row["n"] > 1),
    )


async def merged_carts(sources: DataSources) -> CheckResult:
    """Every cart that was merged into another one belongs to its account."""
    carts = await sources.rows("order", _MERGED)
    return check_result(
        "every merged cart is in a cart of its account",
        len(carts),
        (
            f"cart {row['id']} of {row['account_id']} was merged into a cart of {row['target_account']}"
            for row in carts
            if row["into_itself"] or row["target_account"] not in (None, row["account_id"])
        ),
    )


async def open_carts(sources: DataSources) -> CheckResult:
    """No account has two open carts."""
    accounts = await sources.rows("order", _OPEN)
    return check_result(
        "no account has two open carts",
        len(accounts),
        (f"account {row['account_id']} has {row['n']}" for row in accounts if row["n"] > 1),
    )


async def cart_lines(sources: DataSources) -> CheckResult:
    """No line has less than one unit or more than its limit, no cart has more than 100, and a currency exactly if it has lines."""
    carts = await sources.rows("order", _LINES)
    violations = [
        f"cart {row['id']} has {row['lines']} lines of {row['smallest']} to {row['largest']} units in {row['currency'] or 'no currency'}"
        for row in carts
        if row["smallest"] < 1
        or row["largest"] > 10_000
        or row["lines"] > 100
        or (row["state"] == "OPEN" and bool(row["currency"]) != bool(row["lines"]))
    ]
    return check_result("carts have lines within their limits, in their currency", len(carts), violations)


async def erased_orders(sources: DataSources) -> CheckResult:
    """No order of a deleted account has its note or its addresses."""
    orders = await sources.rows("order", _ERASED)
    return check_result(
        "orders of deleted accounts have no notes and addresses",
        len(orders),
        (f"order {row['id']} of a deleted account has some" for row in orders if not row["erased"]),
    )
