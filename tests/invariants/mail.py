"""The mails that really arrived, against what notification says it sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.invariants.evidence import Evidence, uuid_of
from tests.invariants.verdict import Verdict, verdict

_SENT = "SELECT id::text, order_id::text, account_id::text, template, recipient, status FROM notifications"
# More than one may be about the same order.
_SEVERAL = ("refunded",)


async def arrived(evidence: Evidence) -> Verdict:
    """Each SENT notification arrived under its own Message-ID, at its account's address; nothing else arrived about an order."""
    received = await evidence.received_mails()
    if received is None:
        return verdict("mails that arrived: this mail server keeps no record of them", 0, ())
    rows = {row["id"]: row for row in await evidence.rows("notification", _SENT)}
    addresses = {
        str(row["id"]): row["email"]
        for row in await evidence.rows("account", "SELECT id, email FROM accounts WHERE delete_time IS NULL")
    }
    return compare(rows, addresses, received)


def compare(
    rows: Mapping[str, Mapping[str, Any]], addresses: Mapping[str, str], received: Sequence[Mapping[str, Any]]
) -> Verdict:
    """Notifications by id, living accounts' addresses, and the mails."""
    violations = []
    about: dict[tuple[str, str], set[str]] = defaultdict(set)
    arrived: set[str] = set()
    for mail in received:
        row = rows.get(_notification(mail["id"]))
        if row is None:
            violations.append(f"{mail['id']} to {mail['to']} is no notification")
            continue
        arrived.add(row["id"])
        if row["order_id"] is not None:
            about[row["order_id"], row["template"]].add(mail["id"])
        violations += _faults(mail, row, addresses)
    violations += [
        f"notification {key} ({row['template']}) is SENT and did not arrive"
        for key, row in rows.items()
        if row["status"] == "SENT" and key not in arrived
    ]
    violations += [
        f"order {order}: {len(ids)} different mails {template}"
        for (order, template), ids in about.items()
        if len(ids) > 1 and template not in _SEVERAL
    ]
    return verdict(
        "every mail arrived, under one id, where it belongs", len(received), sorted(set(violations))
    )


def _faults(mail: Mapping[str, Any], row: Mapping[str, Any], addresses: Mapping[str, str]) -> list[str]:
    faults = []
    address = addresses.get(row["account_id"])
    if address is not None and mail["to"] != [address]:
        faults.append(f"{mail['id']} went to {mail['to']}, its account is {address}")
    if row["order_id"] is not None and row["order_id"] not in map(uuid_of, mail["orders"]):
        faults.append(
            f"{mail['id']} ({row['template']}) does not name order {row['order_id']}: {mail['orders']}"
        )
    return faults


def _notification(message_id: str) -> str:
    """The notification that a Message-ID is made of; empty when it is none of ours."""
    name = message_id.strip("<>").partition("@")[0]
    return uuid_of(name) if name.startswith("ntf_") else ""
