"""Every check passes on consistent databases, and fails on every inconsistency that is planted in them."""

from collections.abc import Mapping

import pytest

from kit.events.topic import EVENT
from tests.invariants.example import (
    EVENT_ID,
    GUEST,
    PAYMENT,
    ExampleData,
    example,
    postgres,
    violations_by_check,
)
from tests.invariants.idle import unfinished, wait_until_idle

__all__ = ["example", "postgres"]


async def test_consistent_data_violates_nothing(example: ExampleData) -> None:
    assert await violations_by_check(example) == {}
    assert await wait_until_idle(example, 0) == 0


_CLOSE_ACCOUNT = "INSERT INTO closed_accounts SELECT DISTINCT account_id, now() FROM orders; "
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
    ("order", "UPDATE orders SET total = 2001 WHERE status = 'CONFIRMED'", {"paid", "amounts"}),
    ("order", "UPDATE orders SET currency = 'EUR' WHERE status = 'CONFIRMED'", {"paid"}),
    (
        "payment",
        "UPDATE payments SET status = 'PROCESSING', due_time = now() WHERE NOT order_cancelled",
        {"paid", "ledger", "charged"},
    ),
    (
        "payment",
        "UPDATE payments SET status = 'REQUIRES_ACTION', confirmation = 'CLIENT', due_time = now(), "
        "pay_before = now() - interval '16 minutes' WHERE NOT order_cancelled",
        {"paid", "ledger", "charged", "payments_end"},
    ),
    ("payment", "UPDATE payments SET provider_id = 'pi_other' WHERE NOT order_cancelled", {"charged"}),
    ("payment", "UPDATE saved_methods SET is_default = false", {"saved_methods"}),
    ("account", "UPDATE accounts SET delete_time = now() - interval '2 minutes'", {"saved_methods"}),
    (
        "payment",
        "INSERT INTO provider_customers (account_id, provider_id, delete_time, create_time) "
        "VALUES (gen_random_uuid(), 'cus_1', now() - interval '16 minutes', now())",
        {"provider_customers"},
    ),
    ("payment", "UPDATE refunds SET status = 'FAILED'", {"cancelled", "refunds", "ledger", "refunded"}),
    ("payment", "UPDATE refunds SET amount = 2001", {"cancelled", "refunds", "ledger", "refunded"}),
    ("payment", "UPDATE refunds SET amount = 1999", {"cancelled", "refunds", "ledger", "refunded"}),
    (
        "payment",
        "ALTER TABLE payments DROP CONSTRAINT payments_due_while_open; "
        "UPDATE payments SET due_time = now() WHERE order_cancelled",
        {"finished"},
    ),
    (
        "payment",
        "ALTER TABLE refunds DROP CONSTRAINT refunds_due_while_pending; UPDATE refunds SET due_time = now()",
        {"finished"},
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
    (
        "notification",
        "DELETE FROM notifications WHERE template = 'order_confirmed'",
        {"notifications", "arrived"},
    ),
    (
        "notification",
        "INSERT INTO notifications SELECT gen_random_uuid(), account_id, order_id, template, context, subject, recipient, status, "
        "attempts, due_time, create_time, send_time, expire_time FROM notifications",
        {"notifications", "arrived"},
    ),
    ("notification", "UPDATE notifications SET order_id = gen_random_uuid()", {"notifications", "arrived"}),
    ("notification", "UPDATE notifications SET status = 'QUEUED', due_time = now()", {"delivered"}),
    ("catalog", "UPDATE variants SET delete_time = now()", {"variants"}),
    ("catalog", "UPDATE variants SET price = price + 1", {"variants"}),
    ("catalog", "UPDATE variants SET sku = 'OTHER'", {"variants"}),
    ("catalog", "UPDATE products SET price_max = 5000", {"variants"}),
    ("catalog", "UPDATE variants SET option_values = '{S}', option_key = 's'", {"variants"}),
    (
        "catalog",
        "INSERT INTO variants (id, product_id, position, option_values, option_key, price) "
        "SELECT gen_random_uuid(), id, 1, '{S}', 's', price FROM products",
        {"variants"},
    ),
    (
        "catalog",
        "ALTER TABLE products DISABLE TRIGGER USER; UPDATE products SET delete_time = now()",
        {"variants"},
    ),
    ("catalog", "ALTER TABLE products DISABLE TRIGGER USER; UPDATE products SET price = 1", {"variants"}),
    (
        "catalog",
        "ALTER TABLE variants DROP CONSTRAINT variants_sku; UPDATE products SET sku = 'A'; "
        "INSERT INTO variants (id, product_id, position, option_values, option_key, price, sku, delete_time) "
        "SELECT gen_random_uuid(), id, 1, '{}', 'x', price, 'a', NULL FROM products",
        {"variants", "skus"},
    ),
    (
        "catalog",
        "INSERT INTO price_changes (variant_id, old_price, new_price) SELECT id, price, price + 1 FROM variants",
        {"prices"},
    ),
    ("order", "UPDATE order_lines SET total = total + 1", {"amounts"}),
    ("order", "UPDATE order_lines SET quantity = 1 WHERE total IS NULL", {"amounts", "lines"}),
    ("order", "UPDATE orders SET subtotal = subtotal - 1", {"amounts"}),
    ("order", "UPDATE orders SET tax_included = NOT tax_included", {"amounts"}),
    ("order", "UPDATE orders SET shipping_total = 499 WHERE shipping IS NOT NULL", {"amounts"}),
    ("order", "UPDATE order_taxes SET amount = amount + 1 WHERE position = 0", {"taxes"}),
    ("order", "DELETE FROM order_taxes WHERE position = -1", {"taxes"}),
    ("order", "UPDATE orders SET tax = tax + 1 WHERE tax_included", {"taxes"}),
    ("order", "UPDATE order_discounts SET amount = 499", {"discounts"}),
    ("order", "UPDATE orders SET discount = 499 WHERE discount > 0", {"discounts"}),
    (
        "order",
        "ALTER TABLE orders DROP CONSTRAINT orders_shipping_required; UPDATE orders SET shipping_required = true",
        {"methods"},
    ),
    ("notification", "INSERT INTO recipients VALUES ('{guest}', '', '', now())", {"merged"}),
    ("order", "UPDATE orders SET account_id = '{guest}'", {"merged"}),
    ("account", "UPDATE accounts SET delete_time = NULL WHERE merged_into IS NOT NULL", {"merged"}),
    (
        "account",
        "ALTER TABLE accounts DROP CONSTRAINT guests_cannot_sign_in; UPDATE accounts SET password_hash = 'x' WHERE guest",
        {"passwords"},
    ),
    ("order", "DROP INDEX orders_number; UPDATE orders SET number = 1001", {"numbers"}),
    ("order", "UPDATE orders SET number = number - 1000", {"numbers"}),
    ("order", "UPDATE orders SET cart_id = NULL", {"ordered_carts"}),
    (
        "order",
        "UPDATE carts SET order_id = (SELECT id FROM orders WHERE cart_id IS NULL) WHERE state = 'ORDERED'",
        {"ordered_carts"},
    ),
    (
        "order",
        "UPDATE carts SET state = 'OPEN', order_id = NULL, account_id = gen_random_uuid() WHERE state = 'ORDERED'",
        {"ordered_carts"},
    ),
    (
        "order",
        "DROP INDEX carts_open; UPDATE carts SET state = 'OPEN', merged_into = NULL WHERE state = 'MERGED'",
        {"open_carts"},
    ),
    (
        "order",
        "UPDATE orders o SET caller_id = o.id, cart_id = c.cart_id, request_id = c.request_id FROM orders c WHERE c.cart_id IS NOT NULL",
        {"cart_versions"},
    ),
    (
        "order",
        "UPDATE orders SET status = 'CANCELLED', cancel_reason = 'CUSTOMER' WHERE cart_id IS NOT NULL; "
        "DELETE FROM order_status_changes WHERE order_id IN (SELECT id FROM orders WHERE cart_id IS NOT NULL) AND position = 1",
        {"ordered_carts", "reservations", "cancelled", "notifications", "balances"},
    ),
    ("order", "UPDATE carts SET account_id = gen_random_uuid() WHERE state = 'MERGED'", {"merged_carts"}),
    ("order", "UPDATE carts SET merged_into = id WHERE state = 'MERGED'", {"merged_carts"}),
    ("order", "UPDATE orders SET caller_id = '{guest}', account_id = gen_random_uuid()", {"moved"}),
    (
        "order",
        "INSERT INTO cart_requests VALUES ('{guest}', 'click', '', now())",
        {"merged"},
    ),
    ("order", "UPDATE order_lines SET parent_product_id = gen_random_uuid()", {"lines"}),
    ("order", "UPDATE order_lines SET product_id = gen_random_uuid()", {"lines"}),
    ("catalog", "UPDATE reservation_lines SET quantity = 3, taken = 3", {"stock", "lines"}),
    ("catalog", "UPDATE reservation_lines SET unit_price = 999", {"lines"}),
    ("order", "UPDATE carts SET currency = '' WHERE state = 'OPEN'", {"cart_lines"}),
    ("order", "DELETE FROM cart_lines", {"cart_lines"}),
    ("order", _CLOSE_ACCOUNT + "UPDATE orders SET note = ''", {"erased_orders"}),
    (
        "order",
        "ALTER TABLE cart_lines DROP CONSTRAINT cart_lines_quantity_check; UPDATE cart_lines SET quantity = 0",
        {"cart_lines"},
    ),
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
async def test_an_inconsistency_is_found(
    example: ExampleData, database: str, sql: str, expected: set[str]
) -> None:
    connection = example.databases[database]
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(sql.replace("{guest}", str(GUEST)))
        violated = await violations_by_check(example)
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
VALUES ('payment', 'souk.order.v1', 0, 0, '{{ce_id}}', ARRAY['{EVENT.format(EVENT_ID)}'::bytea], '', '', '', 1)
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
        pytest.param({"payment": _LETTER}, id="a dead letter"),
    ],
)
async def test_rows_that_retention_has_pruned_are_not_violations(
    example: ExampleData, changes: Mapping[str, str]
) -> None:
    transactions = [example.databases[name].transaction() for name in changes]
    for transaction in transactions:
        await transaction.start()
    try:
        for name, sql in changes.items():
            await example.databases[name].execute(sql)
        assert await violations_by_check(example) == {}
    finally:
        for transaction in transactions:
            await transaction.rollback()


async def test_a_payment_in_progress_is_unfinished_work(example: ExampleData) -> None:
    connection = example.databases["payment"]
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "UPDATE payments SET status = 'PROCESSING', due_time = now() WHERE id = $1", PAYMENT
        )
        assert await unfinished(example) == 1
    finally:
        await transaction.rollback()
