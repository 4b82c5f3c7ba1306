"""The provider's own record against our tables: what it charged, refunded and cancelled, by order, amount, currency and key.

A double charge is seen only here: our tables have one payment for each order, whatever the provider did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.invariants.evidence import Evidence, uuid_of
from tests.invariants.verdict import Verdict, verdict

Record = Mapping[str, Any]

# By these the provider's amount is one of ours: it counts ISK in hundredths, which ISO 4217 does not have.
_HUNDREDTHS = {"isk": 100}
_CHARGED = "payment_intent.succeeded"
# What a provider does only because it was asked to; the rest may follow by itself.
_ASKED = ("payment_intent.created", "payment_intent.canceled", "refund.created")
_PAYMENTS = """
SELECT p.id::text, p.order_id::text, p.amount, p.currency, p.status, p.provider_id, p.order_cancelled FROM payments p
"""
_REFUNDS = """
SELECT r.id::text, r.amount, r.status, p.currency, p.provider_id AS intent FROM refunds r JOIN payments p ON p.id = r.payment_id
"""


async def charged(evidence: Evidence) -> Verdict:
    """Each order is charged at most once, and exactly what its payment row says."""
    charges: dict[str, list[Record]] = defaultdict(list)
    for record in await evidence.provider_records():
        if record["event"] == _CHARGED:
            charges[_order(record)].append(record)
    payments = {row["order_id"]: row for row in await evidence.rows("payment", _PAYMENTS)}
    violations = [
        fault for order, found in charges.items() for fault in _of_charges(order, found, payments.get(order))
    ]
    violations += [
        f"order {order}: payment {row['id']} is SUCCEEDED, and the provider charged nothing"
        for order, row in payments.items()
        if row["status"] == "SUCCEEDED" and order not in charges
    ]
    return verdict("the provider charged what our payments say, once", len(charges), sorted(violations))


def _of_charges(order: str, charges: Sequence[Record], payment: Any) -> Iterator[str]:
    sums = [money(record) for record in charges]
    if len(charges) > 1:
        yield f"order {order} was charged {len(charges)} times: {sums}"
    if payment is None:
        yield f"order {order} was charged {sums} and has no payment row"
        return
    row = (payment["amount"], payment["currency"])
    if payment["status"] != "SUCCEEDED":
        yield f"order {order} was charged {sums}, its payment is {payment['status']}"
    elif sums[-1] != row or charges[-1]["id"] != payment["provider_id"]:
        yield f"order {order} was charged {sums} by {charges[-1]['id']}, its payment is {row} by {payment['provider_id']}"


async def refunded(evidence: Evidence) -> Verdict:
    """Each refund row that SUCCEEDED is one refund at the provider of the same amount, and the provider made no other."""
    made: dict[str, list[Record]] = defaultdict(list)
    for record in _latest(await evidence.provider_records()).values():
        if record["id"] != record["intent"] and record["status"] == "succeeded":
            made[_refund(record)].append(record)
    rows = {row["id"]: row for row in await evidence.rows("payment", _REFUNDS)}
    violations = [
        f"the provider refunded {[money(each) for each in found]} of {found[0]['intent']}, which no refund row asks for ({refund})"
        for refund, found in made.items()
        if refund not in rows
    ]
    for refund, row in rows.items():
        sums = [money(record) for record in made.get(refund, ())]
        expected = [(row["amount"], row["currency"])] if row["status"] == "SUCCEEDED" else []
        if sums != expected:
            violations.append(
                f"refund {refund} of {row['amount']} {row['currency']} is {row['status']}, the provider refunded {sums}"
            )
    return verdict("the provider refunded what our refunds say", len(rows), sorted(violations))


async def kept(evidence: Evidence) -> Verdict:
    """The provider has no money of a CANCELLED order, and none that it may still charge of a payment that has ended."""
    balance: Counter[str] = Counter()
    latest = _latest(await evidence.provider_records())
    for record in latest.values():
        if record["status"] == "succeeded":
            balance[record["intent"]] += record["amount"] * (1 if record["id"] == record["intent"] else -1)
    cancelled = {
        str(row["id"])
        for row in await evidence.rows("order", "SELECT id FROM orders WHERE status = 'CANCELLED'")
    }
    payments = {row["order_id"]: row for row in await evidence.rows("payment", _PAYMENTS)}
    violations = []
    for intent, record in latest.items():
        if intent != record["intent"]:
            continue
        order = _order(record)
        if balance[intent] < 0 or (order in cancelled and balance[intent]):
            violations.append(f"order {order} is cancelled, the provider keeps {balance[intent]} of {intent}")
        payment = payments.get(order)
        if record["status"] in ("processing", "requires_action") and (
            payment is None or payment["status"] in ("SUCCEEDED", "FAILED", "CANCELLED")
        ):
            violations.append(f"order {order}: {intent} is {record['status']}, its payment has ended")
    return verdict("the provider keeps no money of cancelled orders", len(cancelled), sorted(violations))


async def keyed(evidence: Evidence) -> Verdict:
    """Whatever the provider was asked to do, it was asked under an idempotency key, and no key did two things."""
    done: dict[str, set[str]] = defaultdict(set)
    records = [record for record in await evidence.provider_records() if record["event"] in _ASKED]
    violations = [
        f"{record['event']} of {record['id']} has no key" for record in records if not record["key"]
    ]
    for record in records:
        done[record["key"]].add(record["id"])
    violations += [f"key {key} made {sorted(ids)}" for key, ids in done.items() if key and len(ids) > 1]
    return verdict("every call of the provider has a key of its own", len(records), sorted(violations))


def _latest(records: Sequence[Record]) -> dict[str, Record]:
    """Intents and refunds as they are now, by id."""
    return {record["id"]: record for record in records}


def money(record: Record) -> tuple[int, str]:
    """A record's amount in our minor units, and its currency."""
    return record["amount"] // _HUNDREDTHS.get(record["currency"], 1), record["currency"].upper()


def _order(record: Record) -> str:
    named = record["metadata"].get("order_id", "")
    return uuid_of(named) if named else record["id"]


def _refund(record: Record) -> str:
    named = record["metadata"].get("refund_id", "")
    return uuid_of(named) if named else record["id"]
