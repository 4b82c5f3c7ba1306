"""Every check passes on books that are right, and fails on each way in which they can be wrong: planted in real databases."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from kit.db import Migrations
from kit.events.topic import EVENT
from kit.testing import Postgres
from kit.testing.fixtures import postgres
from kit.values import NOTIFICATION, ORDER, REFUND
from tests.invariants import events, index, mail, provider, shop
from tests.invariants.evidence import DATABASES, Evidence, event_id
from tests.invariants.quiet import quiet, under_way
from tests.invariants.subscriptions import wanted
from tests.invariants.verdict import verdict

__all__ = ["postgres"]

CHECKS = {
    check.__name__: check
    for check in (
        shop.stock,
        shop.reservations,
        shop.keys,
        shop.paid,
        shop.cancelled,
        shop.refunds,
        shop.ledger,
        shop.deadlines,
        shop.expiries,
        shop.ended,
        shop.mails,
        shop.delivered,
        events.published,
        events.consumed,
        provider.charged,
        provider.refunded,
        provider.kept,
        provider.keyed,
        mail.arrived,
    )
}
ACCOUNT, PRODUCT, PAID, ENDED = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
PAYMENT, GIVEN_BACK, REFUND_ID, TOLD = UUID(int=5), UUID(int=6), UUID(int=7), UUID(int=8)

# A product of 10, of which 2 are sold; one paid order, and one that was paid, cancelled and refunded. All sums are 2000.
_ORDER = """
INSERT INTO orders (id, account_id, caller_id, request_id, input_hash, currency, total, refunded, status, cancel_reason,
    status_reason, version, deadline, create_time, update_time)
VALUES ($1, $2, $2, $3, '', 'USD', 2000, $4, $5, $6, '', 2, now(), now(), now())
"""
_STEP = "INSERT INTO order_status_changes VALUES ($1, $2, $3, now(), '', '')"
_RESERVATION = "INSERT INTO reservations VALUES ($1, $2, '', 'USD', now(), now(), now())"
_RESERVATION_LINE = "INSERT INTO reservation_lines VALUES ($1, 0, $2, 'Mug', 1000, 2, 2)"
_PAYMENT = """
INSERT INTO payments (id, order_id, account_id, amount, currency, payment_method, pay_before, status, order_cancelled, provider_id,
    confirmed, provider_failures, failure_code, next_action_url, attempts, due_time, create_time, update_time)
VALUES ($1, $2, $3, 2000, 'USD', '', now(), 'SUCCEEDED', $4, $5, true, 0, '', '', 1, NULL, now(), now())
"""
_REFUND = """
INSERT INTO refunds (id, payment_id, amount, reason, status, provider_id, provider_failures, attempts, create_time, update_time)
VALUES ($1, $2, 2000, '', 'SUCCEEDED', 're', 0, 1, now(), now())
"""
_LEDGER = """
INSERT INTO ledger SELECT $1, account, $2, sign * $3::bigint, 'USD', now()
FROM (VALUES ('provider', 1), ('customer', -1)) AS s(account, sign)
"""
_NOTIFICATION = """
INSERT INTO notifications (id, account_id, order_id, template, context, subject, recipient, status, attempts, create_time)
VALUES ($1, $2, $3, $4, '{}', '', 'john@example.com', 'SENT', 1, now())
"""
_EVENT = """
INSERT INTO outbox (event_id, topic, key, type, time, headers, payload, published_at)
VALUES ($1, 'souk.order.v1', '', 'souk.order.v1.OrderCancelled', now(), '{}', '', now())
"""


@dataclass
class Books(Evidence):
    """Evidence whose provider and mail server say what a test wants them to say."""

    records: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)

    async def provider_records(self) -> Sequence[Mapping[str, Any]]:
        return self.records

    async def received_mails(self) -> Sequence[Mapping[str, Any]] | None:
        return self.mails


@pytest.fixture(scope="module")
async def books(postgres: Postgres) -> AsyncIterator[Books]:
    """Databases as the services migrate them, with a day at the shop in them."""
    urls = {}
    admin = await asyncpg.connect(postgres.url())
    for name in DATABASES:
        urls[name] = postgres.url(f"{name}_{uuid4().hex}")
        await admin.execute(f"CREATE DATABASE {urls[name].rpartition('/')[2]}")
        await Migrations(name).apply(urls[name])
    await admin.close()
    evidence = await Books.open(urls)
    await _fill(evidence)
    yield evidence
    await evidence.close()


async def _fill(evidence: Books) -> None:
    catalog, order, payment = (evidence.databases[name] for name in ("catalog", "order", "payment"))
    await evidence.databases["account"].execute(
        "INSERT INTO accounts VALUES ($1, 'John', 'john@example.com', '', 'USER', false, '', now(), now(), NULL)",
        ACCOUNT,
    )
    await catalog.execute(
        "INSERT INTO products (id, name, description, price, currency, image_urls, version, create_time, update_time) "
        "VALUES ($1, 'Mug', '', 1000, 'USD', '{}', 1, now(), now())",
        PRODUCT,
    )
    await catalog.execute("INSERT INTO stock VALUES ($1, 8)", PRODUCT)
    await catalog.execute(
        "INSERT INTO stock_adjustments (id, product_id, delta, action, reason, actor_id, create_time) "
        "VALUES ($1, $2, 10, 'CREATE', '', $1, now())",
        uuid4(),
        PRODUCT,
    )
    for order_id, state, status, refunded in (
        (PAID, "COMMITTED", "CONFIRMED", 0),
        (ENDED, "RETURNED", "CANCELLED", 2000),
    ):
        await catalog.execute(_RESERVATION, order_id, state)
        await catalog.execute(_RESERVATION_LINE, order_id, PRODUCT)
        reason = "CUSTOMER" if status == "CANCELLED" else None
        await order.execute(_ORDER, order_id, ACCOUNT, str(order_id), refunded, status, reason)
        await order.execute(_STEP, order_id, 0, "PENDING")
        await order.execute(_STEP, order_id, 1, status)
        for template in ("order_placed", f"order_{status.lower()}"):
            told = uuid4()
            await evidence.databases["notification"].execute(_NOTIFICATION, told, ACCOUNT, order_id, template)
            evidence.mails.append(
                {
                    "id": f"<{NOTIFICATION.format(told)}@souk.test>",
                    "to": ["john@example.com"],
                    "subject": template,
                    "orders": [ORDER.format(order_id)],
                }
            )
    await payment.execute(_PAYMENT, PAYMENT, PAID, ACCOUNT, False, "pi_paid")
    await payment.execute(_LEDGER, PAYMENT, PAYMENT, 2000)
    await payment.execute(_PAYMENT, GIVEN_BACK, ENDED, ACCOUNT, True, "pi_ended")
    await payment.execute(_LEDGER, GIVEN_BACK, GIVEN_BACK, 2000)
    await payment.execute(_REFUND, REFUND_ID, GIVEN_BACK)
    await payment.execute(_LEDGER, REFUND_ID, GIVEN_BACK, -2000)
    for intent, order_id in (("pi_paid", PAID), ("pi_ended", ENDED)):
        made = _record("payment_intent.created", intent, intent, key=f"{intent}:create", order_id=order_id)
        evidence.records += [made, _record("payment_intent.succeeded", intent, intent, order_id=order_id)]
    evidence.records.append(
        _record("refund.created", "re", "pi_ended", key="re:create", refund_id=REFUND.format(REFUND_ID))
    )
    await order.execute(_EVENT, TOLD)
    for group in ("catalog", "payment", "notification"):
        await evidence.databases[group].execute("INSERT INTO inbox VALUES ($1, $2, now())", group, TOLD)


def _record(event: str, identity: str, intent: str, *, key: str = "", **metadata: Any) -> dict[str, Any]:
    if "order_id" in metadata:
        metadata["order_id"] = ORDER.format(metadata["order_id"])
    return {
        "event": event,
        "id": identity,
        "intent": intent,
        "status": "requires_confirmation" if event == "payment_intent.created" else "succeeded",
        "amount": 2000,
        "currency": "usd",
        "metadata": metadata,
        "key": key,
    }


async def _violated(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    verdicts = {name: await check(evidence) for name, check in CHECKS.items()}
    return {name: found.violations for name, found in verdicts.items() if found.violations}


async def test_right_books_are_found_right(books: Books) -> None:
    assert await _violated(books) == {}
    assert await quiet(books, 0) == 0


_PLANTED = [
    ("catalog", "UPDATE stock SET free = free + 1", {"stock"}),
    ("catalog", "UPDATE stock SET free = free - 1", {"stock"}),
    ("catalog", "UPDATE reservation_lines SET taken = 0", {"stock"}),
    ("catalog", "UPDATE reservations SET state = 'HELD' WHERE state = 'COMMITTED'", {"reservations"}),
    (
        "catalog",
        "UPDATE reservations SET state = 'RELEASED' WHERE state = 'COMMITTED'",
        {"stock", "reservations"},
    ),
    (
        "catalog",
        "UPDATE reservations SET state = 'COMMITTED' WHERE state = 'RETURNED'",
        {"stock", "reservations"},
    ),
    (
        "catalog",
        "INSERT INTO reservations VALUES (gen_random_uuid(), 'COMMITTED', '', 'USD', now(), now(), now())",
        {"reservations"},
    ),
    (
        "order",
        "ALTER TABLE orders DROP CONSTRAINT orders_caller_id_request_id_key; UPDATE orders SET request_id = 'same'",
        {"keys"},
    ),
    ("order", "UPDATE orders SET total = 2001 WHERE status = 'CONFIRMED'", {"paid"}),
    ("order", "UPDATE orders SET currency = 'EUR' WHERE status = 'CONFIRMED'", {"paid"}),
    (
        "payment",
        "UPDATE payments SET status = 'PROCESSING', due_time = now() WHERE NOT order_cancelled",
        {"paid", "ledger", "charged"},
    ),
    ("payment", "UPDATE payments SET provider_id = 'pi_other' WHERE NOT order_cancelled", {"charged"}),
    ("payment", "UPDATE refunds SET status = 'FAILED'", {"cancelled", "refunds", "ledger", "refunded"}),
    ("payment", "UPDATE refunds SET amount = 2001", {"cancelled", "refunds", "ledger", "refunded"}),
    ("payment", "UPDATE refunds SET amount = 1999", {"cancelled", "refunds", "ledger", "refunded"}),
    (
        "payment",
        "ALTER TABLE payments DROP CONSTRAINT payments_due_while_open; "
        "UPDATE payments SET due_time = now() WHERE order_cancelled",
        {"ended"},
    ),
    (
        "payment",
        "ALTER TABLE refunds DROP CONSTRAINT refunds_due_while_pending; UPDATE refunds SET due_time = now()",
        {"ended"},
    ),
    (
        "catalog",
        "UPDATE reservations SET state = 'HELD', expire_time = now() - interval '1 minute' WHERE state = 'COMMITTED'",
        {"reservations", "expiries"},
    ),
    ("order", "UPDATE orders SET refunded = 1999 WHERE status = 'CANCELLED'", {"refunds"}),
    (
        "payment",
        "ALTER TABLE ledger DISABLE TRIGGER USER; UPDATE ledger SET amount = amount + 1 WHERE account = 'customer'",
        {"ledger"},
    ),
    ("payment", "ALTER TABLE ledger DISABLE TRIGGER USER; DELETE FROM ledger", {"ledger"}),
    (
        "order",
        "UPDATE orders SET status = 'PENDING', deadline = now() - interval '1 minute' WHERE status = 'CONFIRMED'",
        {"deadlines"},
    ),
    ("notification", "DELETE FROM notifications WHERE template = 'order_confirmed'", {"mails", "arrived"}),
    (
        "notification",
        "INSERT INTO notifications SELECT gen_random_uuid(), account_id, order_id, template, context, subject, recipient, status, "
        "attempts, due_time, create_time, send_time, expire_time FROM notifications",
        {"mails", "arrived"},
    ),
    ("notification", "UPDATE notifications SET order_id = gen_random_uuid()", {"mails", "arrived"}),
    ("notification", "UPDATE notifications SET status = 'QUEUED', due_time = now()", {"delivered"}),
    ("order", "UPDATE outbox SET published_at = NULL", {"published"}),
    ("payment", "DELETE FROM inbox", {"consumed"}),
    (
        "order",
        "INSERT INTO outbox (event_id, topic, key, type, time, headers, payload, published_at) "
        "SELECT gen_random_uuid(), topic, key, type, time, headers, payload, published_at FROM outbox",
        {"consumed"},
    ),
]


@pytest.mark.parametrize(("database", "sql", "expected"), _PLANTED)
async def test_wrong_books_are_found_wrong(books: Books, database: str, sql: str, expected: set[str]) -> None:
    connection = books.databases[database]
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(sql)
        violated = await _violated(books)
    finally:
        await transaction.rollback()
    assert violated.keys() == expected
    assert all(violated.values())


_OLD_EVENT = """
INSERT INTO outbox (event_id, topic, key, type, time, headers, payload, published_at)
SELECT gen_random_uuid(), topic, key, type, time, headers, payload, now() - interval '9 days' FROM outbox
"""
_LETTER = f"""
DELETE FROM inbox;
INSERT INTO dead_letters
    (consumer, topic, partition, record_offset, header_names, header_values, type, error, message, tries)
VALUES ('payment', 'souk.order.v1', 0, 0, '{{ce_id}}', ARRAY['{EVENT.format(TOLD)}'::bytea], '', '', '', 1)
"""


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"catalog": "UPDATE stock_adjustments SET action = 'CARRIED'"}, id="adjustments"),
        pytest.param(
            {
                "catalog": "DELETE FROM reservation_lines WHERE order_id IN (SELECT order_id FROM reservations WHERE state = 'RETURNED'); "
                "DELETE FROM reservations WHERE state = 'RETURNED'",
                "order": "UPDATE orders SET update_time = now() - interval '8 days' WHERE status = 'CANCELLED'",
            },
            id="a reservation",
        ),
        pytest.param({"order": _OLD_EVENT}, id="an inbox"),
        pytest.param({"payment": _LETTER}, id="what waits as a dead letter"),
    ],
)
async def test_books_without_what_retention_took_away_are_right(
    books: Books, changes: Mapping[str, str]
) -> None:
    transactions = [books.databases[name].transaction() for name in changes]
    for transaction in transactions:
        await transaction.start()
    try:
        for name, sql in changes.items():
            await books.databases[name].execute(sql)
        assert await _violated(books) == {}
    finally:
        for transaction in transactions:
            await transaction.rollback()


Change = Callable[[list[dict[str, Any]]], None]


def _twice(records: list[dict[str, Any]]) -> None:
    """The order is charged by a second intent."""
    records += [{**each, "id": "pi_2", "intent": "pi_2", "key": "other"} for each in records[:2]]


def _set(index: int, **fields: Any) -> Change:
    return lambda found: found[index].update(fields)


_PLANTED_RECORDS: list[tuple[Change, set[str]]] = [
    (_twice, {"charged"}),
    (_set(1, amount=2001), {"charged"}),
    (_set(1, currency="eur"), {"charged"}),
    (_set(1, metadata={"order_id": ORDER.format(UUID(int=99))}), {"charged"}),
    (lambda found: found.__delitem__(slice(2)), {"charged"}),
    (_set(1, event="payment_intent.processing", status="processing"), {"charged", "kept"}),
    (_set(4, amount=1999), {"refunded", "kept"}),
    (_set(4, status="pending"), {"refunded", "kept"}),
    (_set(4, metadata={}), {"refunded"}),
    (lambda found: found.append({**found[4], "id": "re_2", "key": "other"}), {"refunded", "kept"}),
    (_set(0, key=""), {"keyed"}),
    (_set(2, key="pi_paid:create"), {"keyed"}),
]
_PLANTED_MAILS: list[tuple[Change, set[str]]] = [
    (lambda found: found.__delitem__(0), {"arrived"}),
    (_set(0, to=["jane@example.com"]), {"arrived"}),
    (_set(0, to=["john@example.com", "jane@example.com"]), {"arrived"}),
    (_set(0, orders=[ORDER.format(UUID(int=99))]), {"arrived"}),
    (_set(0, id="<other@souk.test>"), {"arrived"}),
    # A repeat of the same mail is no other mail.
    (lambda found: found.append(dict(found[0])), set()),
]


@pytest.mark.parametrize(("change", "expected"), _PLANTED_RECORDS)
async def test_a_provider_that_did_something_else_is_found(
    books: Books, change: Change, expected: set[str]
) -> None:
    changed = [dict(record) for record in books.records]
    change(changed)
    assert (await _violated(replace(books, records=changed))).keys() == expected


@pytest.mark.parametrize(("change", "expected"), _PLANTED_MAILS)
async def test_mails_that_arrived_otherwise_are_found(
    books: Books, change: Change, expected: set[str]
) -> None:
    changed = [dict(each) for each in books.mails]
    change(changed)
    assert (await _violated(replace(books, mails=changed))).keys() == expected


def test_isk_is_counted_in_hundredths_by_the_provider_only() -> None:
    assert provider.money({"amount": 70_000, "currency": "isk"}) == (700, "ISK")
    assert provider.money({"amount": 18_600, "currency": "kwd"}) == (18_600, "KWD")


def test_a_dead_letter_is_named_as_the_tables_name_it() -> None:
    event = uuid4()
    assert event_id([("ce_id", EVENT.format(event).encode())]) == str(event)
    assert event_id([]) is None


def test_who_wants_which_events_is_what_the_services_subscribe_to() -> None:
    found = {(each.group, type_name) for each in wanted() for type_name in each.types}
    assert {
        ("notification", "souk.account.v1.EmailVerificationRequested"),
        ("notification", "souk.account.v1.PasswordResetRequested"),
        ("notification", "souk.account.v1.AccountDeleted"),
        ("notification", "souk.order.v1.OrderPlaced"),
        ("catalog", "souk.order.v1.OrderCancelled"),
        ("payment", "souk.order.v1.OrderPlaced"),
        ("order", "souk.payment.v1.PaymentSucceeded"),
        ("account", "souk.audit.v1.AdminActed"),
    } <= found
    assert not any(group == "catalog.indexer" for group, _ in found)


async def test_what_is_under_way_is_no_quiet_moment(books: Books) -> None:
    connection = books.databases["payment"]
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "UPDATE payments SET status = 'PROCESSING', due_time = now() WHERE id = $1", PAYMENT
        )
        assert await under_way(books) == 1
    finally:
        await transaction.rollback()


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


def test_an_index_like_its_table_is_found_right() -> None:
    assert index.compare({"a": _ROW}, {"a": {**_ROW, "version": 3}}).violations == ()


@pytest.mark.parametrize(
    "documents",
    [{}, {"a": _ROW, "b": _ROW}, *[{"a": {**_ROW, name: "other"}} for name in _ROW]],
)
def test_an_index_unlike_its_table_is_found_wrong(documents: dict[str, dict[str, object]]) -> None:
    assert len(index.compare({"a": _ROW}, documents).violations) == 1


def test_a_verdict_tells_the_first_violations_and_how_many_there_are() -> None:
    told = str(verdict("stock", 9, [f"product {n}" for n in range(7)]))
    assert told.startswith("VIOLATED  stock: 7 of 9")
    assert "product 4" in told
    assert "and 2 more" in told
