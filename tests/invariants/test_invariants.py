"""Every check passes on books that are right, and fails on each way in which they can be wrong: planted in real databases."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from kit.db import Migrations
from kit.testing import Postgres
from kit.testing.fixtures import postgres
from tests.invariants import events, index, shop
from tests.invariants.evidence import DATABASES, Evidence
from tests.invariants.quiet import quiet, under_way
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
        shop.mails,
        shop.delivered,
        events.published,
        events.consumed,
    )
}
ACCOUNT, PRODUCT, PAID, ENDED = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
PAYMENT, GIVEN_BACK, REFUND, TOLD = UUID(int=5), UUID(int=6), UUID(int=7), UUID(int=8)

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
VALUES ($1, $2, $3, 2000, 'USD', '', now(), 'SUCCEEDED', $4, 'pi', true, 0, '', '', 1, NULL, now(), now())
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
VALUES ($1, $2, $3, $4, '{}', '', '', 'SENT', 1, now())
"""
_EVENT = """
INSERT INTO outbox (event_id, topic, key, type, time, headers, payload, published_at)
VALUES ($1, 'souk.order.v1', '', 'souk.order.v1.OrderCancelled', now(), '{}', '', now())
"""


@pytest.fixture(scope="module")
async def books(postgres: Postgres) -> AsyncIterator[Evidence]:
    """Databases as the services migrate them, with a day at the shop in them."""
    urls = {}
    admin = await asyncpg.connect(postgres.url())
    for name in DATABASES:
        urls[name] = postgres.url(f"{name}_{uuid4().hex}")
        await admin.execute(f"CREATE DATABASE {urls[name].rpartition('/')[2]}")
        await Migrations(name).apply(urls[name])
    await admin.close()
    evidence = await Evidence.open(urls)
    await _fill(evidence)
    yield evidence
    await evidence.close()


async def _fill(evidence: Evidence) -> None:
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
            await evidence.databases["notification"].execute(
                _NOTIFICATION, uuid4(), ACCOUNT, order_id, template
            )
    await payment.execute(_PAYMENT, PAYMENT, PAID, ACCOUNT, False)
    await payment.execute(_LEDGER, PAYMENT, PAYMENT, 2000)
    await payment.execute(_PAYMENT, GIVEN_BACK, ENDED, ACCOUNT, True)
    await payment.execute(_LEDGER, GIVEN_BACK, GIVEN_BACK, 2000)
    await payment.execute(_REFUND, REFUND, GIVEN_BACK)
    await payment.execute(_LEDGER, REFUND, GIVEN_BACK, -2000)
    await order.execute(_EVENT, TOLD)
    for group in ("catalog", "payment", "notification"):
        await evidence.databases[group].execute("INSERT INTO inbox VALUES ($1, $2, now())", group, TOLD)


async def _violated(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    verdicts = {name: await check(evidence) for name, check in CHECKS.items()}
    return {name: found.violations for name, found in verdicts.items() if found.violations}


async def test_right_books_are_found_right(books: Evidence) -> None:
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
    ("payment", "UPDATE payments SET status = 'PROCESSING' WHERE NOT order_cancelled", {"paid", "ledger"}),
    ("payment", "UPDATE refunds SET status = 'FAILED'", {"cancelled", "refunds", "ledger"}),
    ("payment", "UPDATE refunds SET amount = 2001", {"cancelled", "refunds", "ledger"}),
    ("payment", "UPDATE refunds SET amount = 1999", {"cancelled", "refunds", "ledger"}),
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
    ("notification", "DELETE FROM notifications WHERE template = 'order_confirmed'", {"mails"}),
    (
        "notification",
        "INSERT INTO notifications SELECT gen_random_uuid(), account_id, order_id, template, context, subject, recipient, status, "
        "attempts, due_time, create_time, send_time, expire_time FROM notifications",
        {"mails"},
    ),
    ("notification", "UPDATE notifications SET order_id = gen_random_uuid()", {"mails"}),
    ("notification", "UPDATE notifications SET status = 'QUEUED'", {"delivered"}),
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
async def test_wrong_books_are_found_wrong(
    books: Evidence, database: str, sql: str, expected: set[str]
) -> None:
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


async def test_what_is_under_way_is_no_quiet_moment(books: Evidence) -> None:
    connection = books.databases["payment"]
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("UPDATE payments SET due_time = now() WHERE id = $1", PAYMENT)
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
