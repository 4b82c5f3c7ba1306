"""Databases with consistent data of a few orders, for tests of the checks, and all checks by name."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from kit.db import Migrations
from kit.testing import Postgres
from kit.testing.fixtures import postgres
from kit.values import NOTIFICATION, ORDER, REFUND
from tests.invariants import audit, index
from tests.invariants.sources import DATABASES, DataSources

__all__ = ["CHECKS", "ExampleData", "example", "postgres"]

# The example has no index.
CHECKS = {check.__name__: check for check in (*audit.CHECKS, *audit.EXTERNAL) if check is not index.index}
ACCOUNT, PRODUCT, CONFIRMED, CANCELLED = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
PAYMENT, REFUNDED_PAYMENT, REFUND_ID, EVENT_ID = UUID(int=5), UUID(int=6), UUID(int=7), UUID(int=8)
# A guest that was merged into the account.
GUEST = UUID(int=9)

# A product with 10 pieces, 2 of them sold; a confirmed order, and one that was paid, cancelled and refunded. All amounts are 2000.
_ORDER = """
INSERT INTO orders (id, account_id, caller_id, request_id, input_hash, currency, total, refunded, status, cancel_reason,
    status_reason, version, deadline, create_time, update_time)
VALUES ($1, $2, $2, $3, '', 'USD', 2000, $4, $5, $6, '', 2, now(), now(), now())
"""
# One order has amounts: 20.00 less 5.00, 5.00 for shipping, 1.48 of tax within; the other has the columns of an earlier release.
_PRICED = """
UPDATE orders SET subtotal = 2000, discount = 500, tax = 148, tax_included = true, shipping_total = 500, shipping_required = true,
    shipping = '{"method_id": "00000000-0000-0000-0000-000000000007", "name": "post", "price": 500, "discount": 0, "tax": 37, "total": 500}'
WHERE id = $1
"""
_PRICED_LINE = "UPDATE order_lines SET discount = 500, total = 1500, tax = 111 WHERE order_id = $1"
_TAX = "INSERT INTO order_taxes VALUES ($1, $2, 0, 'sales tax', 'US', '', 80000, $3, $4, '')"
_DISCOUNT = "INSERT INTO order_discounts VALUES ($1, 0, 0, NULL, '', 'spring', 500)"
_LINE = """
INSERT INTO order_lines (order_id, position, product_id, name, unit_price, quantity) VALUES ($1, 0, $2, 'Mug', 1000, 2)
"""
# The cart of the confirmed order, an open one, and one that merged into it without its line in another currency.
_CARTS = """
WITH carts AS (
    INSERT INTO carts (id, account_id, state, currency, version, note, order_id, merged_into, create_time, update_time, expire_time)
    SELECT id, $1, state, currency, 1, '', order_id, merged_into, now(), now(), now() + interval '1 day' FROM (VALUES
        ($2::uuid, 'ORDERED', 'USD', $3::uuid, NULL::uuid), ($4, 'OPEN', 'USD', NULL, NULL), ($5, 'MERGED', 'EUR', NULL, $4)
    ) AS c(id, state, currency, order_id, merged_into)
)
INSERT INTO cart_lines (cart_id, variant_id, id, quantity, seen_price, create_time)
SELECT cart_id, $6, gen_random_uuid(), 2, 1000, now() FROM unnest(ARRAY[$2, $4, $5]) AS l(cart_id)
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
_SAVED_METHOD = """
INSERT INTO saved_methods (id, account_id, state, provider_id, method_id, brand, last4, exp_month, exp_year, is_default, create_time,
    update_time)
VALUES (gen_random_uuid(), $1, 'SAVED', 'seti', 'pm', 'visa', '4242', 12, 2034, true, now(), now())
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
class ExampleData(DataSources):
    """Real databases with consistent data, and lists instead of the provider's and the mail server's records."""

    records: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)

    async def provider_records(self) -> Sequence[Mapping[str, Any]]:
        return self.records

    async def received_mails(self) -> Sequence[Mapping[str, Any]] | None:
        return self.mails


@pytest.fixture(scope="module")
async def example(postgres: Postgres) -> AsyncIterator[ExampleData]:
    """Migrated databases with consistent data."""
    urls = {}
    admin = await asyncpg.connect(postgres.url())
    for name in DATABASES:
        urls[name] = postgres.url(f"{name}_{uuid4().hex}")
        await admin.execute(f"CREATE DATABASE {urls[name].rpartition('/')[2]}")
        await Migrations(name).apply(urls[name])
    await admin.close()
    sources = await ExampleData.open(urls)
    await _fill(sources)
    yield sources
    await sources.close()


async def _fill(sources: ExampleData) -> None:
    catalog, order, payment = (sources.databases[name] for name in ("catalog", "order", "payment"))
    await sources.databases["account"].execute(
        "INSERT INTO accounts VALUES ($1, 'John', 'john@example.com', '', 'USER', false, '', now(), now(), NULL)",
        ACCOUNT,
    )
    await sources.databases["account"].execute(
        "INSERT INTO accounts (id, name, email, phone, role, email_verified, password_hash, create_time, update_time, delete_time, guest, "
        "merged_into) VALUES ($1, '', NULL, '', 'USER', false, '', now(), now(), now(), true, $2)",
        GUEST,
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
    ordered, opened, merged = UUID(int=10), UUID(int=11), UUID(int=12)
    for order_id, state, status, refunded in (
        (CONFIRMED, "COMMITTED", "CONFIRMED", 0),
        (CANCELLED, "RETURNED", "CANCELLED", 2000),
    ):
        await catalog.execute(_RESERVATION, order_id, state)
        await catalog.execute(_RESERVATION_LINE, order_id, PRODUCT)
        reason = "CUSTOMER" if status == "CANCELLED" else None
        await order.execute(_ORDER, order_id, ACCOUNT, str(order_id), refunded, status, reason)
        await order.execute(_LINE, order_id, PRODUCT)
        await order.execute(_STEP, order_id, 0, "PENDING")
        await order.execute(_STEP, order_id, 1, status)
        for template in ("order_placed", f"order_{status.lower()}"):
            notification_id = uuid4()
            await sources.databases["notification"].execute(
                _NOTIFICATION, notification_id, ACCOUNT, order_id, template
            )
            sources.mails.append(
                {
                    "id": f"<{NOTIFICATION.format(notification_id)}@souk.test>",
                    "to": ["john@example.com"],
                    "subject": template,
                    "orders": [ORDER.format(order_id)],
                }
            )
    await order.execute(_CARTS, ACCOUNT, ordered, CONFIRMED, opened, merged, PRODUCT)
    await order.execute("UPDATE orders SET cart_id = $1 WHERE id = $2", ordered, CONFIRMED)
    await payment.execute(_SAVED_METHOD, ACCOUNT)
    await payment.execute(_PAYMENT, PAYMENT, CONFIRMED, ACCOUNT, False, "pi_paid")
    await payment.execute(_LEDGER, PAYMENT, PAYMENT, 2000)
    await payment.execute(_PAYMENT, REFUNDED_PAYMENT, CANCELLED, ACCOUNT, True, "pi_ended")
    await payment.execute(_LEDGER, REFUNDED_PAYMENT, REFUNDED_PAYMENT, 2000)
    await payment.execute(_REFUND, REFUND_ID, REFUNDED_PAYMENT)
    await payment.execute(_LEDGER, REFUND_ID, REFUNDED_PAYMENT, -2000)
    for intent, order_id in (("pi_paid", CONFIRMED), ("pi_ended", CANCELLED)):
        created = _record("payment_intent.created", intent, intent, key=f"{intent}:create", order_id=order_id)
        sources.records += [created, _record("payment_intent.succeeded", intent, intent, order_id=order_id)]
    sources.records.append(
        _record("refund.created", "re", "pi_ended", key="re:create", refund_id=REFUND.format(REFUND_ID))
    )
    await order.execute(_EVENT, EVENT_ID)
    for group in ("catalog", "payment", "notification"):
        await sources.databases[group].execute("INSERT INTO inbox VALUES ($1, $2, now())", group, EVENT_ID)
    await order.execute(_PRICED, CONFIRMED)
    await order.execute(_PRICED_LINE, CONFIRMED)
    await order.execute(_TAX, CONFIRMED, 0, 1500, 111)
    await order.execute(_TAX, CONFIRMED, -1, 500, 37)
    await order.execute(_DISCOUNT, CONFIRMED)


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


async def violations_by_check(sources: DataSources) -> dict[str, tuple[str, ...]]:
    """Runs all checks; returns the violated ones."""
    results = {name: await check(sources) for name, check in CHECKS.items()}
    return {name: result.violations for name, result in results.items() if result.violations}
