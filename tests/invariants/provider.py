"""The payment provider's own records equal our tables: charges, refunds and cancellations by order, amount, currency and key.

Only these checks can find a double charge: our tables have one payment per order, whatever the provider did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources, uuid_of

Record = Mapping[str, Any]

# Divisors of the provider's amounts: it counts ISK in hundredths, unlike ISO 4217.
_DIVISORS = {"isk": 100}
_CHARGED = "payment_intent.succeeded"
# The provider does these only on request; other events happen later.
_REQUESTED = ("payment_intent.created", "payment_intent.canceled", "refund.created")
_PAYMENTS = """
SELECT p.id::text, p.order_id::text, p.amount, p.currency, p.status, p.provider_id, p.order_cancelled FROM payments p
"""
_REFUNDS = """
SELECT r.id::text, r.amount, r.status, p.currency, p.provider_id AS intent FROM refunds r JOIN payments p ON p.id = r.payment_id
"""


async def charged(sources: DataSources) -> CheckResult:
    """Every order is charged at most once, and the amount of its payment row."""
    charges: dict[str, list[Record]] = defaultdict(list)
    for record in await sources.provider_records():
        if record["event"] == _CHARGED:
            charges[_order(record)].append(record)
    payments = {row["order_id"]: row for row in await sources.rows("payment", _PAYMENTS)}
    violations = [
        violation
        for order, records in charges.items()
        for violation in _charge_violations(order, records, payments.get(order))
    ]
    violations += [
        f"order {order}: payment {row['id']} is SUCCEEDED, but the provider charged nothing"
        for order, row in payments.items()
        if row["status"] == "SUCCEEDED" and row["amount"] and order not in charges
    ]
    return check_result("the provider's charges equal our payments, once", len(charges), sorted(violations))


def _charge_violations(order: str, charges: Sequence[Record], payment: Any) -> Iterator[str]:
    sums = [money(record) for record in charges]
    if len(charges) > 1:
        yield f"order {order} was charged {len(charges)} times: {sums}"
    if payment is None:
        yield f"order {order} was charged {sums} but has no payment row"
        return
    row = (payment["amount"], payment["currency"])
    if payment["status"] != "SUCCEEDED":
        yield f"order {order} was charged {sums}, but its payment is {payment['status']}"
    elif sums[-1] != row or charges[-1]["id"] != payment["provider_id"]:
        yield f"order {order} was charged {sums} by {charges[-1]['id']}, but its payment is {row} by {payment['provider_id']}"


async def refunded(sources: DataSources) -> CheckResult:
    """Every SUCCEEDED refund row is one refund of the same amount at the provider, and the provider made no others."""
    refunds: dict[str, list[Record]] = defaultdict(list)
    for record in _latest(await sources.provider_records()).values():
        if record["id"] != record["intent"] and record["status"] == "succeeded":
            refunds[_refund(record)].append(record)
    rows = {row["id"]: row for row in await sources.rows("payment", _REFUNDS)}
    violations = [
        f"the provider refunded {[money(record) for record in records]} of {records[0]['intent']} without a refund row ({refund})"
        for refund, records in refunds.items()
        if refund not in rows
    ]
    for refund, row in rows.items():
        sums = [money(record) for record in refunds.get(refund, ())]
        expected = [(row["amount"], row["currency"])] if row["status"] == "SUCCEEDED" else []
        if sums != expected:
            violations.append(
                f"refund {refund} of {row['amount']} {row['currency']} is {row['status']}, but the provider refunded {sums}"
            )
    return check_result("the provider's refunds equal ours", len(rows), sorted(violations))


async def balances(sources: DataSources) -> CheckResult:
    """The provider holds no money of an order that is CANCELLED or unknown, and cannot charge a finished payment later."""
    balance: Counter[str] = Counter()
    latest = _latest(await sources.provider_records())
    for record in latest.values():
        if record["status"] == "succeeded":
            balance[record["intent"]] += record["amount"] * (1 if record["id"] == record["intent"] else -1)
    orders = {
        str(row["id"]): row["status"] for row in await sources.rows("order", "SELECT id, status FROM orders")
    }
    cancelled = {order for order, status in orders.items() if status == "CANCELLED"}
    payments = {row["order_id"]: row for row in await sources.rows("payment", _PAYMENTS)}
    violations = []
    for intent, record in latest.items():
        if intent != record["intent"]:
            continue
        order = _order(record)
        if balance[intent] < 0 or ((order in cancelled or order not in orders) and balance[intent]):
            violations.append(
                f"order {order} is {orders.get(order, 'unknown')}, but the provider holds {balance[intent]} of {intent}"
            )
        payment = payments.get(order)
        if record["status"] in ("processing", "requires_action") and (
            payment is None or payment["status"] in ("SUCCEEDED", "FAILED", "CANCELLED")
        ):
            violations.append(f"order {order}: {intent} is {record['status']}, but its payment is finished")
        elif _can_still_be_confirmed(record, payment):
            violations.append(
                f"order {order}: a page can still confirm {intent}, but its payment is finished"
            )
    return check_result("the provider holds no money of cancelled orders", len(cancelled), sorted(violations))


async def keyed(sources: DataSources) -> CheckResult:
    """Every request to the provider has an idempotency key, and every key has one effect."""
    ids_by_key: dict[str, set[str]] = defaultdict(set)
    records = [record for record in await sources.provider_records() if record["event"] in _REQUESTED]
    violations = [
        f"{record['event']} of {record['id']} has no key" for record in records if not record["key"]
    ]
    for record in records:
        ids_by_key[record["key"]].add(record["id"])
    violations += [
        f"key {key} created {sorted(ids)}" for key, ids in ids_by_key.items() if key and len(ids) > 1
    ]
    return check_result("every call of the provider has its own key", len(records), sorted(violations))


def _can_still_be_confirmed(record: Record, payment: Any) -> bool:
    """Whether a page that has the client secret can charge a payment that is finished."""
    is_its_intent = payment is not None and payment["provider_id"] == record["id"]
    is_finished = is_its_intent and payment["status"] in ("FAILED", "CANCELLED")
    return is_finished and record["status"] in ("requires_payment_method", "requires_confirmation")


def _latest(records: Sequence[Record]) -> dict[str, Record]:
    """The current state of intents and refunds by id."""
    return {record["id"]: record for record in records}


def money(record: Record) -> tuple[int, str]:
    """A record's amount in our minor units, and its currency."""
    return record["amount"] // _DIVISORS.get(record["currency"], 1), record["currency"].upper()


def _order(record: Record) -> str:
    order_id = record["metadata"].get("order_id", "")
    return uuid_of(order_id) if order_id else record["id"]


def _refund(record: Record) -> str:
    refund_id = record["metadata"].get("refund_id", "")
    return uuid_of(refund_id) if refund_id else record["id"]
