"""Stock, orders, money and mail: what must be true of them at any quiet moment (the page of guarantees, Invariants)."""

from collections import Counter, defaultdict
from typing import Any

from tests.invariants.evidence import Evidence
from tests.invariants.verdict import Verdict, verdict

_PAID = {"CONFIRMED", "SHIPPED", "DELIVERED"}
_MAILS = {
    "PENDING": "order_placed",
    "CONFIRMED": "order_confirmed",
    "CANCELLED": "order_cancelled",
    "SHIPPED": "shipped",
    "DELIVERED": "delivered",
}
# A sweep looks every few seconds, and takes a moment.
_LATE = (
    "SELECT id, deadline FROM orders WHERE status = 'PENDING' AND deadline < now() - interval '30 seconds'"
)

_HELD_TOO_LONG = "SELECT order_id, expire_time FROM reservations WHERE state = 'HELD' AND expire_time < now() - interval '30 seconds'"
_ENDED_AND_DUE = (
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
SELECT p.id AS product_id, coalesce(s.free, 0) AS free, coalesce(t.taken, 0)::bigint AS taken, coalesce(a.adjusted, 0)::bigint AS adjusted
FROM products p LEFT JOIN stock s ON s.product_id = p.id
LEFT JOIN (
    SELECT product_id, sum(taken) AS taken FROM reservation_lines JOIN reservations USING (order_id)
    WHERE state IN ('HELD', 'COMMITTED') GROUP BY product_id
) t ON t.product_id = p.id
LEFT JOIN (SELECT product_id, sum(delta) AS adjusted FROM stock_adjustments GROUP BY product_id) a ON a.product_id = p.id
"""
_PAYMENTS = """
SELECT p.order_id, p.id, p.amount, p.currency, p.status,
    coalesce(sum(r.amount) FILTER (WHERE r.status = 'SUCCEEDED'), 0)::bigint AS refunded,
    coalesce(sum(r.amount) FILTER (WHERE r.status <> 'FAILED'), 0)::bigint AS asked
FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id GROUP BY p.id
"""
_LEDGER = """
SELECT payment_id, sum(amount)::bigint AS sum, sum(amount) FILTER (WHERE account = 'provider')::bigint AS kept,
    count(*) FILTER (WHERE account = 'provider') AS charges_and_refunds
FROM ledger GROUP BY payment_id
"""


async def stock(evidence: Evidence) -> Verdict:
    """free + reserved + sold = sum of adjustments, per product; never below zero. What is not tracked has nothing free."""
    rows = await evidence.rows("catalog", _STOCK)
    return verdict(
        "free + reserved + sold = adjustments, per product",
        len(rows),
        (
            f"{row['product_id']}: {row['free']} free + {row['taken']} taken, adjusted by {row['adjusted']}"
            for row in rows
            if row["free"] < 0 or row["free"] + row["taken"] != row["adjusted"]
        ),
    )


async def reservations(evidence: Evidence) -> Verdict:
    """Stock is taken for an order exactly while the order is alive: sold for paid ones, back for cancelled ones."""
    states = {
        row["order_id"]: row["state"]
        for row in await evidence.rows("catalog", "SELECT order_id, state FROM reservations")
    }
    # That of an old cancelled order may be gone (docs/operations/retention.md).
    wanted = {"PENDING": {"HELD", "COMMITTED", "RELEASED"}, "CANCELLED": {"RELEASED", "RETURNED"}}
    orders = await evidence.rows(
        "order",
        "SELECT id, status, status = 'CANCELLED' AND update_time < now() - interval '7 days' AS may_be_pruned FROM orders",
    )
    known = {row["id"] for row in orders}
    violations = [
        f"order {row['id']} is {row['status']}, its reservation {states.get(row['id'], 'absent')}"
        for row in orders
        if states.get(row["id"]) not in wanted.get(row["status"], {"COMMITTED"})
        and not (row["may_be_pruned"] and row["id"] not in states)
    ]
    violations += [
        f"reservation {order_id} is {state} and has no order"
        for order_id, state in states.items()
        if state == "COMMITTED" and order_id not in known
    ]
    return verdict("stock is sold for paid orders and back for cancelled ones", len(orders), violations)


async def keys(evidence: Evidence) -> Verdict:
    """One order per caller and idempotency key."""
    rows = await evidence.rows(
        "order",
        "SELECT caller_id, request_id, count(*) AS n FROM orders GROUP BY caller_id, request_id",
    )
    return verdict(
        "one order per caller and idempotency key",
        len(rows),
        (f"{row['caller_id']} {row['request_id']}: {row['n']} orders" for row in rows if row["n"] != 1),
    )


async def paid(evidence: Evidence) -> Verdict:
    """Every CONFIRMED, SHIPPED or DELIVERED order has one payment that captured its total."""
    payments = await _payments(evidence)
    orders = [row for row in await _orders(evidence) if row["status"] in _PAID]
    violations = []
    for order in orders:
        captured = [p for p in payments[order["id"]] if p["status"] == "SUCCEEDED"]
        sums = [(p["amount"], p["currency"]) for p in captured]
        if sums != [(order["total"], order["currency"])]:
            violations.append(f"order {order['id']} of {order['total']} {order['currency']} captured {sums}")
    return verdict("every paid order captured its total, once", len(orders), violations)


async def cancelled(evidence: Evidence) -> Verdict:
    """Every CANCELLED order has captured = refunded."""
    payments = await _payments(evidence)
    orders = [row for row in await _orders(evidence) if row["status"] == "CANCELLED"]
    violations = []
    for order in orders:
        for payment in payments[order["id"]]:
            captured = payment["amount"] if payment["status"] == "SUCCEEDED" else 0
            if captured != payment["refunded"]:
                violations.append(f"order {order['id']} captured {captured}, refunded {payment['refunded']}")
    return verdict("every cancelled order gave back what it captured", len(orders), violations)


async def refunds(evidence: Evidence) -> Verdict:
    """Refunds never exceed the capture, pending ones counted in; the order knows what went back."""
    told = {row["id"]: row["refunded"] for row in await _orders(evidence)}
    payments = [payment for each in (await _payments(evidence)).values() for payment in each]
    violations = []
    for payment in payments:
        captured = payment["amount"] if payment["status"] == "SUCCEEDED" else 0
        if payment["asked"] > captured:
            violations.append(f"payment {payment['id']} captured {captured}, asked {payment['asked']} back")
        if told.get(payment["order_id"], payment["refunded"]) != payment["refunded"]:
            violations.append(
                f"order {payment['order_id']} knows of {told[payment['order_id']]} refunded, "
                f"its payment of {payment['refunded']}"
            )
    return verdict("refunds never exceed the capture", len(payments), violations)


async def ledger(evidence: Evidence) -> Verdict:
    """The ledger sums to zero, and says what payments say."""
    booked = {row["payment_id"]: row for row in await evidence.rows("payment", _LEDGER)}
    violations = [
        f"payment {key}: the entries sum to {row['sum']}" for key, row in booked.items() if row["sum"]
    ]
    for payment in [payment for each in (await _payments(evidence)).values() for payment in each]:
        kept = (payment["amount"] if payment["status"] == "SUCCEEDED" else 0) - payment["refunded"]
        entry = booked.get(payment["id"])
        if (entry["kept"] if entry else 0) != kept:
            violations.append(f"payment {payment['id']} kept {kept}, booked {entry['kept'] if entry else 0}")
    return verdict("the ledger sums to zero and agrees with payments", len(booked), violations)


async def deadlines(evidence: Evidence) -> Verdict:
    """No order is PENDING past its deadline."""
    late = await evidence.rows("order", _LATE)
    [count] = await evidence.rows("order", "SELECT count(*) AS n FROM orders")
    return verdict(
        "no order is PENDING past its deadline",
        count["n"],
        (f"order {row['id']} since {row['deadline']:%H:%M:%S}" for row in late),
    )


async def expiries(evidence: Evidence) -> Verdict:
    """No stock is HELD past the expiry of its reservation."""
    late = await evidence.rows("catalog", _HELD_TOO_LONG)
    [count] = await evidence.rows("catalog", "SELECT count(*) AS n FROM reservations")
    return verdict(
        "no stock is HELD past its expiry",
        count["n"],
        (f"reservation {row['order_id']} since {row['expire_time']:%H:%M:%S}" for row in late),
    )


async def ended(evidence: Evidence) -> Verdict:
    """What has ended is not due again: a worker would claim it for ever."""
    counted, violations = 0, []
    for name, table, sql in _ENDED_AND_DUE:
        found = await evidence.rows(name, sql)
        violations += [f"{table} {row['id']} is {row['status']} and due" for row in found]
        counted += (await evidence.rows(name, f"SELECT count(*) AS n FROM {table}"))[0]["n"]
    return verdict("what has ended is not due again", counted, violations)


async def mails(evidence: Evidence) -> Verdict:
    """Every order that reached a status with a mail has exactly one notification for it, unless its account was deleted first."""
    reached = await evidence.rows(
        "order",
        "SELECT order_id, c.status, account_id, c.time < now() - interval '59 days' AS may_be_pruned "
        "FROM order_status_changes c JOIN orders o ON o.id = c.order_id "
        "WHERE c.status = ANY($1::text[])",
        list(_MAILS),
    )
    told = Counter(
        (row["order_id"], row["template"])
        for row in await evidence.rows(
            "notification",
            "SELECT order_id, template FROM notifications WHERE template = ANY($1::text[])",
            list(_MAILS.values()),
        )
    )
    living = {
        row["id"]
        for row in await evidence.rows("account", "SELECT id FROM accounts WHERE delete_time IS NULL")
    }
    violations = []
    for row in reached:
        count = told.pop((row["order_id"], _MAILS[row["status"]]), 0)
        if count > 1 or (count == 0 and row["account_id"] in living and not row["may_be_pruned"]):
            violations.append(f"order {row['order_id']} reached {row['status']}: {count} notifications")
    violations += [
        f"order {order_id}: {n} {template} without reason" for (order_id, template), n in told.items()
    ]
    return verdict("one notification for each status that an order reached", len(reached), violations)


async def delivered(evidence: Evidence) -> Verdict:
    """Every notification was sent, or given up for good."""
    rows = await evidence.rows("notification", "SELECT id, status FROM notifications")
    waiting = (f"notification {row['id']} is {row['status']}" for row in rows if row["status"] == "QUEUED")
    return verdict("every notification was sent or given up", len(rows), waiting)


async def _orders(evidence: Evidence) -> list[Any]:
    return list(await evidence.rows("order", "SELECT id, status, total, currency, refunded FROM orders"))


async def _payments(evidence: Evidence) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in await evidence.rows("payment", _PAYMENTS):
        found[row["order_id"]].append(row)
    return found
