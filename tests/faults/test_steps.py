"""kill -9 at every step from createOrder to its mail: one order, one charge, one notification.

A step is a state that is visible in a database. As soon as it is reached, the service that takes the next step is killed and restarted.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from tests.e2e.page import DECLINED_CARD, GOOD_CARD, pay_in_page
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

# The victim, the state in which it is killed, and the database and rows (created after $1) that show the state.
STEPS = [
    ("order", "stock reserved, order not saved", "catalog", "reservations WHERE create_time > $1"),
    ("catalog", "stock reserved, order not saved", "catalog", "reservations WHERE create_time > $1"),
    ("gateway", "order saved, no response to the buyer", "order", "orders WHERE create_time > $1"),
    ("order", "order saved, OrderPlaced not published", "order", "orders WHERE create_time > $1"),
    (
        "payment",
        "OrderPlaced published, payment not saved",
        "order",
        "outbox WHERE time > $1 AND type LIKE '%OrderPlaced' AND published_at IS NOT NULL",
    ),
    ("payment", "payment saved, no intent created", "payment", "payments WHERE create_time > $1"),
    (
        "payment",
        "intent created, not charged",
        "payment",
        "payments WHERE create_time > $1 AND provider_id <> ''",
    ),
    (
        "payment",
        "charge requested, result not saved",
        "payment",
        "payments WHERE create_time > $1 AND confirmed",
    ),
    (
        "payment",
        "charge saved, PaymentSucceeded not published",
        "payment",
        "payments WHERE create_time > $1 AND status = 'SUCCEEDED'",
    ),
    (
        "order",
        "PaymentSucceeded published, not consumed",
        "payment",
        "outbox WHERE time > $1 AND type LIKE '%PaymentSucceeded' AND published_at IS NOT NULL",
    ),
    (
        "order",
        "stock committed, order not confirmed",
        "catalog",
        "reservations WHERE create_time > $1 AND state = 'COMMITTED'",
    ),
    (
        "catalog",
        "stock committed, no response to order",
        "catalog",
        "reservations WHERE create_time > $1 AND state = 'COMMITTED'",
    ),
    (
        "order",
        "order confirmed, OrderConfirmed not published",
        "order",
        "orders WHERE create_time > $1 AND status = 'CONFIRMED'",
    ),
    (
        "notification",
        "OrderConfirmed published, no notification saved",
        "order",
        "outbox WHERE time > $1 AND type LIKE '%OrderConfirmed' AND published_at IS NOT NULL",
    ),
    (
        "notification",
        "notification saved, not sent",
        "notification",
        "notifications WHERE create_time > $1 AND order_id IS NOT NULL",
    ),
    (
        "notification",
        "mail being sent",
        "notification",
        "notifications WHERE create_time > $1 AND order_id IS NOT NULL AND attempts > 0",
    ),
]
# The same, where the buyer's page confirms the payment: from the order to the charge.
PAGE_STEPS = [
    ("payment", "payment saved, no intent created", "payment", "payments WHERE create_time > $1"),
    (
        "payment",
        "intent created, the page has no secret",
        "payment",
        "payments WHERE create_time > $1 AND provider_id <> ''",
    ),
    (
        "gateway",
        "secret saved, no response to the page",
        "payment",
        "payments WHERE create_time > $1 AND client_secret <> ''",
    ),
    (
        "payment",
        "PaymentActionRequired published, the page pays",
        "payment",
        "outbox WHERE time > $1 AND type LIKE '%PaymentActionRequired' AND published_at IS NOT NULL",
    ),
    (
        "payment",
        "declined, the page tries another card",
        "payment",
        "payments WHERE create_time > $1 AND declines > 0",
    ),
    (
        "payment",
        "charge saved, PaymentSucceeded not published",
        "payment",
        "payments WHERE create_time > $1 AND status = 'SUCCEEDED'",
    ),
]


@pytest.fixture
async def shop(stack: StackUnderTest) -> AsyncIterator[Shop]:
    async with stack.shop() as shop:
        yield shop


@pytest.mark.parametrize(
    ("victim", "state", "database", "rows"), STEPS, ids=[f"{s[0]}: {s[1]}" for s in STEPS]
)
async def test_a_kill_at_this_step_loses_and_duplicates_nothing(
    stack: StackUnderTest, shop: Shop, victim: str, state: str, database: str, rows: str
) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product, key = await admin.create_product(price="10.00", stock=5), secrets.token_hex(8)
    buying = buyer.buy_until_answered(product, key=key, seconds=60)
    order_id = await kill_while(stack, buying, victim, database, rows)
    await assert_bought_once(shop, admin, buyer, product, order_id)


@pytest.mark.parametrize(
    ("victim", "state", "database", "rows"), PAGE_STEPS, ids=[f"{s[0]}: {s[1]}" for s in PAGE_STEPS]
)
async def test_a_kill_while_the_page_confirms_loses_and_duplicates_nothing(
    stack: StackUnderTest, shop: Shop, victim: str, state: str, database: str, rows: str
) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product, key = await admin.create_product(price="10.00", stock=5), secrets.token_hex(8)

    async def buy() -> str:
        order_id = await buyer.buy_until_answered(product, key=key, seconds=60, confirmation="CLIENT")
        await pay_in_page(buyer, order_id, [DECLINED_CARD, GOOD_CARD], seconds=60)
        return order_id

    order_id = await kill_while(stack, buy(), victim, database, rows)
    await assert_bought_once(shop, admin, buyer, product, order_id)


async def kill_while(
    stack: StackUnderTest, buy: Coroutine[Any, Any, str], victim: str, database: str, rows: str
) -> str:
    """Kills and restarts the victim when the rows exist; returns the id of the order."""
    watch = await asyncpg.connect(f"postgresql://souk:souk@127.0.0.1:{stack.ports.postgresql}/{database}")
    try:
        start = datetime.now(UTC)
        buying = asyncio.create_task(buy)
        async with asyncio.timeout(30):
            while not await watch.fetchval(f"SELECT EXISTS (SELECT FROM {rows})", start):
                continue
        await asyncio.to_thread(stack.kill, victim)
    finally:
        await watch.close()
    await asyncio.to_thread(stack.start, victim)
    return await buying


async def assert_bought_once(shop: Shop, admin: Person, buyer: Person, product: str, order_id: str) -> None:
    """One order, one charge, one notification of each kind."""
    await buyer.wait_for_status(order_id, "CONFIRMED", seconds=60)
    mails = await buyer.wait_for_mail("confirmed", order_id, seconds=60)
    assert [charge["status"] for charge in await shop.charges(order_id)] == ["succeeded"]
    assert await admin.stock(product) == 4
    assert len({mail.id for mail in mails}) == 1
    response = await buyer.execute(
        "query($id: ID!) { order(id: $id) { notifications { template } } }", id=order_id
    )
    templates = [notification["template"] for notification in response.get("order")["notifications"]]
    assert sorted(templates) == ["order_confirmed", "order_placed"]
