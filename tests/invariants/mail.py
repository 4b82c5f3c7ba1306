"""The mails that arrived at the mail server equal the notifications that are SENT."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources, uuid_of

_SENT = "SELECT id::text, order_id::text, account_id::text, template, recipient, status FROM notifications"
_OF_GUESTS = "SELECT o.id::text FROM orders o JOIN merged_accounts m ON m.guest_id = o.caller_id"
_INVARIANT = "every mail arrived at its address, with one id"
# An order may have several of these.
_MULTIPLE = ("refunded",)


async def arrived(sources: DataSources) -> CheckResult:
    """Every SENT notification arrived with its own Message-ID at its account's address, and no other mail about an order arrived."""
    received = await sources.received_mails()
    if received is None:
        return CheckResult(_INVARIANT, 0, (), skipped="this mail server keeps no record of them")
    rows = {row["id"]: row for row in await sources.rows("notification", _SENT)}
    addresses = {
        str(row["id"]): row["email"]
        for row in await sources.rows("account", "SELECT id, email FROM accounts WHERE delete_time IS NULL")
    }
    of_guests = {row["id"] for row in await sources.rows("order", _OF_GUESTS)}
    if sources.lost is not None:
        start, end = sources.lost
        received = [m for m in received if _notification(m["id"]) in rows or not start <= m["time"] <= end]
    return compare(rows, addresses, of_guests, received)


def compare(
    rows: Mapping[str, Mapping[str, Any]],
    addresses: Mapping[str, str],
    of_guests: Collection[str],
    received: Sequence[Mapping[str, Any]],
) -> CheckResult:
    """`rows`: notifications by id; `addresses`: of accounts that are not deleted; `of_guests`: orders that guests placed before they were
    merged into accounts; `received`: the mails.
    """
    violations = []
    ids_by_order: dict[tuple[str, str], set[str]] = defaultdict(set)
    arrived: set[str] = set()
    for mail in received:
        row = rows.get(_notification(mail["id"]))
        if row is None:
            violations.append(f"{mail['id']} to {mail['to']} is not a notification")
            continue
        arrived.add(row["id"])
        if row["order_id"] is not None:
            ids_by_order[row["order_id"], row["template"]].add(mail["id"])
        was_guest = row["order_id"] in of_guests
        violations += _violations(mail, row, addresses.get(row["account_id"]), was_guest=was_guest)
    violations += [
        f"notification {key} ({row['template']}) is SENT but did not arrive"
        for key, row in rows.items()
        if row["status"] == "SENT" and key not in arrived
    ]
    violations += [
        f"order {order}: {len(ids)} different mails {template}"
        for (order, template), ids in ids_by_order.items()
        if len(ids) > 1 and template not in _MULTIPLE
    ]
    return check_result(_INVARIANT, len(received), sorted(set(violations)))


def _violations(
    mail: Mapping[str, Any], row: Mapping[str, Any], address: str | None, *, was_guest: bool
) -> list[str]:
    violations = []
    # What was sent before a merge went to the guest's address.
    allowed = [[address], [row["recipient"]]] if was_guest else [[address]]
    if address is not None and mail["to"] not in allowed:
        violations.append(f"{mail['id']} was sent to {mail['to']}, but its account has {address}")
    if row["order_id"] is not None and row["order_id"] not in map(uuid_of, mail["orders"]):
        violations.append(
            f"{mail['id']} ({row['template']}) does not name order {row['order_id']}: {mail['orders']}"
        )
    return violations


def _notification(message_id: str) -> str:
    """The notification id in a Message-ID; empty if it is not one of ours."""
    name = message_id.strip("<>").partition("@")[0]
    return uuid_of(name) if name.startswith("ntf_") else ""
