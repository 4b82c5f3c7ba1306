"""Every difference between our tables and the provider's or the mail server's records is found; and the parts of the checks alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.events.topic import EVENT
from kit.values import ORDER
from tests.invariants import index, provider
from tests.invariants.example import (
    ACCOUNT,
    CONFIRMED,
    GUEST,
    ExampleData,
    example,
    postgres,
    violations_by_check,
)
from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import event_id
from tests.invariants.subscriptions import subscriptions

__all__ = ["example", "postgres"]

Change = Callable[[list[dict[str, Any]]], None]


def _twice(records: list[dict[str, Any]]) -> None:
    """The order is charged by a second intent."""
    records += [{**record, "id": "pi_2", "intent": "pi_2", "key": "other"} for record in records[:2]]


def _set(index: int, **fields: Any) -> Change:
    return lambda items: items[index].update(fields)


_PLANTED_RECORDS: list[tuple[Change, set[str]]] = [
    (_twice, {"charged"}),
    (_set(1, amount=2001), {"charged"}),
    (_set(1, currency="eur"), {"charged"}),
    (_set(1, metadata={"order_id": ORDER.format(UUID(int=99))}), {"charged", "balances"}),
    (lambda items: items.__delitem__(slice(2)), {"charged"}),
    (_set(1, event="payment_intent.processing", status="processing"), {"charged", "balances"}),
    (_set(4, amount=1999), {"refunded", "balances"}),
    (_set(4, status="pending"), {"refunded", "balances"}),
    (_set(4, metadata={}), {"refunded"}),
    (lambda items: items.append({**items[4], "id": "re_2", "key": "other"}), {"refunded", "balances"}),
    (_set(0, key=""), {"keyed"}),
    (_set(2, key="pi_paid:create"), {"keyed"}),
]
_PLANTED_MAILS: list[tuple[Change, set[str]]] = [
    (lambda items: items.__delitem__(0), {"arrived"}),
    (_set(0, to=["jane@example.com"]), {"arrived"}),
    (_set(0, to=["john@example.com", "jane@example.com"]), {"arrived"}),
    (_set(0, orders=[ORDER.format(UUID(int=99))]), {"arrived"}),
    (_set(0, id="<other@souk.test>"), {"arrived"}),
    # The same mail may arrive twice.
    (lambda items: items.append(dict(items[0])), set()),
]


@pytest.mark.parametrize(("change", "expected"), _PLANTED_RECORDS)
async def test_a_difference_in_the_providers_records_is_found(
    example: ExampleData, change: Change, expected: set[str]
) -> None:
    changed = [dict(record) for record in example.records]
    change(changed)
    assert (await violations_by_check(replace(example, records=changed))).keys() == expected


@pytest.mark.parametrize(("change", "expected"), _PLANTED_MAILS)
async def test_a_difference_in_the_received_mails_is_found(
    example: ExampleData, change: Change, expected: set[str]
) -> None:
    changed = [dict(mail) for mail in example.mails]
    change(changed)
    assert (await violations_by_check(replace(example, mails=changed))).keys() == expected


def test_the_provider_counts_isk_in_hundredths() -> None:
    assert provider.money({"amount": 70_000, "currency": "isk"}) == (700, "ISK")
    assert provider.money({"amount": 18_600, "currency": "kwd"}) == (18_600, "KWD")


def test_a_dead_letter_has_the_event_id_of_the_tables() -> None:
    event = uuid4()
    assert event_id([("ce_id", EVENT.format(event).encode())]) == str(event)
    assert event_id([]) is None


def test_subscriptions_are_read_from_the_services() -> None:
    types = {(subscription.group, name) for subscription in subscriptions() for name in subscription.types}
    assert {
        ("notification", "souk.account.v1.EmailVerificationRequested"),
        ("notification", "souk.account.v1.PasswordResetRequested"),
        ("notification", "souk.account.v1.AccountDeleted"),
        ("notification", "souk.order.v1.OrderPlaced"),
        ("catalog", "souk.order.v1.OrderCancelled"),
        ("payment", "souk.order.v1.OrderPlaced"),
        ("order", "souk.payment.v1.PaymentSucceeded"),
        ("account", "souk.audit.v1.AdminActed"),
    } <= types
    assert not any(group == "catalog.indexer" for group, _ in types)


_ROW = {
    "name": "Mug",
    "description": "",
    "price": 1000,
    "currency": "USD",
    "sku": None,
    "category_slug": None,
    "category": None,
    "available": True,
}


def test_an_index_equal_to_its_table_violates_nothing() -> None:
    assert index.compare({"a": _ROW}, {"a": {**_ROW, "version": 3}}).violations == ()


@pytest.mark.parametrize(
    "documents",
    [{}, {"a": _ROW, "b": _ROW}, *[{"a": {**_ROW, name: "other"}} for name in _ROW]],
)
def test_a_difference_between_index_and_table_is_found(documents: dict[str, dict[str, object]]) -> None:
    assert len(index.compare({"a": _ROW}, documents).violations) == 1


def test_a_skipped_check_is_not_printed_as_ok() -> None:
    assert str(CheckResult("mails", 0, (), skipped="no record")) == "skipped   mails: no record"


def test_a_result_prints_the_first_violations_and_their_number() -> None:
    text = str(check_result("stock", 9, [f"product {n}" for n in range(7)]))
    assert text.startswith("VIOLATED  stock: 7 of 9")
    assert "product 4" in text
    assert "and 2 more" in text


async def test_an_order_whose_total_is_zero_is_paid_without_a_charge(example: ExampleData) -> None:
    changes = {
        "order": "ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_total_check, DROP CONSTRAINT IF EXISTS orders_amounts; "
        "UPDATE orders SET total = 0 WHERE status = 'CONFIRMED'",
        "payment": "ALTER TABLE ledger DISABLE TRIGGER USER; "
        "DELETE FROM ledger USING payments p WHERE p.id = payment_id AND NOT p.order_cancelled; "
        "UPDATE payments SET amount = 0, provider_id = '' WHERE NOT order_cancelled",
    }
    free = replace(example, records=[record for record in example.records if record["intent"] != "pi_paid"])
    # What the order is made of is checked elsewhere.
    violated = await _violated_after(free, changes)
    assert not violated & {"paid", "ledger", "charged", "balances", "keyed"}


async def test_an_intent_that_a_page_can_still_confirm_is_found(example: ExampleData) -> None:
    changes = {"payment": "UPDATE payments SET status = 'FAILED' WHERE NOT order_cancelled"}
    records = [dict(record) for record in example.records if record["event"] != "payment_intent.succeeded"]
    for record in records:
        record["status"] = "requires_payment_method"
    violated = await _violated_after(replace(example, records=records), changes)
    assert "balances" in violated


async def test_a_mail_that_went_to_a_guest_before_it_was_merged_is_no_difference(
    example: ExampleData,
) -> None:
    changes = {
        "order": f"UPDATE orders SET caller_id = '{GUEST}' WHERE id = '{CONFIRMED}'; "
        f"INSERT INTO merged_accounts VALUES ('{GUEST}', '{ACCOUNT}', now())",
        "notification": f"UPDATE notifications SET recipient = 'jane@example.com' WHERE order_id = '{CONFIRMED}'",
    }
    order = ORDER.format(CONFIRMED)
    mails = [
        {**mail, "to": ["jane@example.com"]} if order in mail["orders"] else mail for mail in example.mails
    ]
    assert await _violated_after(replace(example, mails=mails), changes) == set()


async def _violated_after(sources: ExampleData, changes: Mapping[str, str]) -> set[str]:
    """The checks that find something after these statements, which are rolled back."""
    transactions = [sources.databases[name].transaction() for name in changes]
    for transaction in transactions:
        await transaction.start()
    try:
        for name, sql in changes.items():
            await sources.databases[name].execute(sql)
        return set(await violations_by_check(sources))
    finally:
        for transaction in transactions:
            await transaction.rollback()
