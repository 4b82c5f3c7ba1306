"""Invariants of stock, orders and money that hold whenever the stack is idle."""

from collections import defaultdict
from typing import Any

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

_PAID = {"CONFIRMED", "SHIPPED", "DELIVERED"}
# The jobs that cancel orders and release stock run every few seconds.
_OVERDUE = (
    "SELECT id, deadline FROM orders WHERE status = 'PENDING' AND deadline < now() - interval '30 seconds'"
)

# The worker polls every payment at least every 15 minutes.
_LATE_PAYMENTS = """
SELECT id, pay_before FROM payments
WHERE status IN ('PROCESSING', 'REQUIRES_ACTION') AND confirmation = 'CLIENT' AND pay_before < now() - interval '15 minutes'
"""
_EXPIRED = "SELECT order_id, expire_time FROM reservations WHERE state = 'HELD' AND expire_time < now() - interval '30 seconds'"
_FINISHED_BUT_DUE = (
    (
        "payment",
        "payments",
        "SELECT id, status FROM payments WHERE due_time IS NOT NULL AND status IN ('SUCCEEDED', 'FAILED', 'CANCELLED')",
    ),
    (
        "payment",
        "refunds",
        "SELECT id, status FROM refunds WHERE due_time IS NOT NULL AND status <> 'PENDING'",
    ),
    (
        "notification",
        "notifications",
        "SELECT id, status FROM notifications WHERE due_time IS NOT NULL AND status <> 'QUEUED'",
    ),
)

_STOCK = """
SELECT v.id AS product_id, coalesce(s.free, 0) AS free, coalesce(t.taken, 0)::bigint AS taken, coalesce(a.adjusted, 0)::bigint AS adjusted
FROM variants v LEFT JOIN stock s ON s.product_id = v.id
LEFT JOIN (
    SELECT product_id, sum(taken) AS taken FROM reservation_lines JOIN reservations USING (order_id)
    WHERE state IN ('HELD', 'COMMITTED') GROUP BY product_id
) t ON t.product_id = v.id
LEFT JOIN (SELECT product_id, sum(delta) AS adjusted FROM stock_adjustments GROUP BY product_id) a ON a.product_id = v.id
"""
_PAYMENTS = """
SELECT p.order_id, p.id, p.amount, p.currency, p.status,
    coalesce(sum(r.amount) FILTER (WHERE r.status = 'SUCCEEDED'), 0)::bigint AS refunded,
    coalesce(sum(r.amount) FILTER (WHERE r.status <> 'FAILED'), 0)::bigint AS requested
FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id GROUP BY p.id
"""
_LEDGER = """
SELECT payment_id, sum(amount)::bigint AS sum, sum(amount) FILTER (WHERE account = 'provider')::bigint AS net,
    count(*) FILTER (WHERE account = 'provider') AS charges_and_refunds
FROM ledger GROUP BY payment_id
"""


async def stock(sources: DataSources) -> CheckResult:
    """free + reserved + sold = sum of adjustments for every variant, and free >= 0. Untracked variants have no free stock."""
    rows = await sources.rows("catalog", _STOCK)
    return check_result(
        "free + reserved + sold = sum of adjustments, for every variant",
        len(rows),
        (
            f"{row['product_id']}: {row['free']} free + {row['taken']} taken, adjusted by {row['adjusted']}"
            for row in rows
            if row["free"] < 0 or row["free"] + row["taken"] != row["adjusted"]
        ),
    )


async def reservations(sources: DataSources) -> CheckResult:
    """Paid orders have committed stock, and cancelled orders have released it."""
    states = {
        row["order_id"]: row["state"]
        for row in await sources.rows("catalog", "SELECT order_id, state FROM reservations")
    }
    # The reservation of an old cancelled order may be pruned (docs/operations/retention.md).
    allowed = {"PENDING": {"HELD", "COMMITTED", "RELEASED"}, "CANCELLED": {"RELEASED", "RETURNED"}}
    orders = await sources.rows(
        "order",
        "SELECT id, status, status = 'CANCELLED' AND update_time < now() - interval '7 days' AS may_be_pruned FROM orders",
    )
    order_ids = {row["id"] for row in orders}
    violations = [
        f"order {row['id']} is {row['status']}, but its reservation is {states.get(row['id'], 'absent')}"
        for row in orders
        if states.get(row["id"]) not in allowed.get(row["status"], {"COMMITTED"})
        and not (row["may_be_pruned"] and row["id"] not in states)
    ]
    violations += [
        f"reservation {order_id} is {state} but has no order"
        for order_id, state in states.items()
        if state == "COMMITTED" and order_id not in order_ids
    ]
    return check_result(
        "stock is committed for paid orders and released for cancelled ones", len(orders), violations
    )


async def keys(sources: DataSources) -> CheckResult:
    """One order per caller and idempotency key."""
    rows = await sources.rows(
        "order",
        "SELECT caller_id, request_id, count(*) AS n FROM orders GROUP BY caller_id, request_id",
    )
    return check_result(
        "one order per caller and idempotency key",
        len(rows),
        (f"{row['caller_id']} {row['request_id']}: {row['n']} orders" for row in rows if row["n"] != 1),
    )


async def paid(sources: DataSources) -> CheckResult:
    """Every CONFIRMED, SHIPPED or DELIVERED order has one payment that captured its total."""
    payments = await _payments(sources)
    orders = [row for row in await _orders(sources) if row["status"] in _PAID]
    violations = []
    for order in orders:
        captured = [p for p in payments[order["id"]] if p["status"] == "SUCCEEDED"]
        sums = [(p["amount"], p["currency"]) for p in captured]
        if sums != [(order["total"], order["currency"])]:
            violations.append(f"order {order['id']} of {order['total']} {order['currency']} captured {sums}")
    return check_result("every paid order captured its total, once", len(orders), violations)


async def cancelled(sources: DataSources) -> CheckResult:
    """Every CANCELLED order has captured = refunded."""
    payments = await _payments(sources)
    orders = [row for row in await _orders(sources) if row["status"] == "CANCELLED"]
    violations = []
    for order in orders:
        for payment in payments[order["id"]]:
            captured = payment["amount"] if payment["status"] == "SUCCEEDED" else 0
            if captured != payment["refunded"]:
                violations.append(f"order {order['id']} captured {captured}, refunded {payment['refunded']}")
    return check_result("every cancelled order has refunded what it captured", len(orders), violations)


async def refunds(sources: DataSources) -> CheckResult:
    """Refunds, including pending ones, never exceed the captured amount; the order has the refunded amount."""
    by_order = {row["id"]: row["refunded"] for row in await _orders(sources)}
    payments = [payment for rows in (await _payments(sources)).values() for payment in rows]
    violations = []
    for payment in payments:
        captured = payment["amount"] if payment["status"] == "SUCCEEDED" else 0
        if payment["requested"] > captured:
            violations.append(
                f"payment {payment['id']} captured {captured}, but refunds are {payment['requested']}"
            )
        if by_order.get(payment["order_id"], payment["refunded"]) != payment["refunded"]:
            violations.append(
                f"order {payment['order_id']} has {by_order[payment['order_id']]} refunded, "
                f"but its payment {payment['refunded']}"
            )
    return check_result("refunds never exceed the captured amount", len(payments), violations)


async def ledger(sources: DataSources) -> CheckResult:
    """The ledger sums to zero and equals the payments."""
    entries = {row["payment_id"]: row for row in await sources.rows("payment", _LEDGER)}
    violations = [
        f"payment {key}: the entries sum to {row['sum']}" for key, row in entries.items() if row["sum"]
    ]
    for payment in [payment for rows in (await _payments(sources)).values() for payment in rows]:
        net = (payment["amount"] if payment["status"] == "SUCCEEDED" else 0) - payment["refunded"]
        entry = entries.get(payment["id"])
        if (entry["net"] if entry else 0) != net:
            violations.append(
                f"payment {payment['id']} has net {net}, but the ledger {entry['net'] if entry else 0}"
            )
    return check_result("the ledger sums to zero and equals the payments", len(entries), violations)


async def deadlines(sources: DataSources) -> CheckResult:
    """No order is PENDING past its deadline."""
    overdue = await sources.rows("order", _OVERDUE)
    [count] = await sources.rows("order", "SELECT count(*) AS n FROM orders")
    return check_result(
        "no order is PENDING past its deadline",
        count["n"],
        (f"order {row['id']} since {row['deadline']:%H:%M:%S}" for row in overdue),
    )


async def payments_end(sources: DataSources) -> CheckResult:
    """No payment that a page confirms is open past its time to pay: its card would be charged for a cancelled order."""
    late = await sources.rows("payment", _LATE_PAYMENTS)
    [count] = await sources.rows(
        "payment", "SELECT count(*) AS n FROM payments WHERE confirmation = 'CLIENT'"
    )
    return check_result(
        "no payment of a page is open past its time to pay",
        count["n"],
        (f"payment {row['id']} since {row['pay_before']:%H:%M:%S}" for row in late),
    )


async def expiries(sources: DataSources) -> CheckResult:
    """No stock is HELD past the expiry of its reservation."""
    overdue = await sources.rows("catalog", _EXPIRED)
    [count] = await sources.rows("catalog", "SELECT count(*) AS n FROM reservations")
    return check_result(
        "no stock is HELD past its expiry",
        count["n"],
        (f"reservation {row['order_id']} since {row['expire_time']:%H:%M:%S}" for row in overdue),
    )


async def finished(sources: DataSources) -> CheckResult:
    """No finished row is due: a worker would claim it forever."""
    count, violations = 0, []
    for name, table, sql in _FINISHED_BUT_DUE:
        rows = await sources.rows(name, sql)
        violations += [f"{table} {row['id']} is {row['status']} but due" for row in rows]
        count += (await sources.rows(name, f"SELECT count(*) AS n FROM {table}"))[0]["n"]
    return check_result("no finished row is due", count, violations)


async def _orders(sources: DataSources) -> list[Any]:
    return list(await sources.rows("order", "SELECT id, status, total, currency, refunded FROM orders"))


async def _payments(sources: DataSources) -> dict[Any, list[Any]]:
    by_order: dict[Any, list[Any]] = defaultdict(list)
    for row in await sources.rows("payment", _PAYMENTS):
        by_order[row["order_id"]].append(row)
    return by_order
