"""kill -9 at each step between createOrder and its mail: one order, one charge, one notification.

A step is a state that the databases show. Whoever takes it is killed as soon as the state is seen, and started again.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from tests.e2e.ground import Ground, ground
from tests.e2e.shop import Person, Shop, within

__all__ = ["ground"]

# Who is killed, what is done by then, and how it is seen: a database, and a statement about what came after $1.
STEPS = [
    ("order", "the stock is held, the order not written", "catalog", "reservations WHERE create_time > $1"),
    ("catalog", "the stock is held, the order not written", "catalog", "reservations WHERE create_time > $1"),
    ("gateway", "the order is written, its buyer not answered", "order", "orders WHERE create_time > $1"),
    ("order", "the order is written, OrderPlaced not published", "order", "orders WHERE create_time > $1"),
    (
        "payment",
        "OrderPlaced is published, the charge not written down",
        "order",
        "outbox WHERE time > $1 AND type LIKE '%OrderPlaced' AND published_at IS NOT NULL",
    ),
    ("payment", "the charge is written down, no intent made", "payment", "payments WHERE create_time > $1"),
    (
        "payment",
        "the intent is made, nothing charged",
        "payment",
        "payments WHERE create_time > $1 AND provider_id <> ''",
    ),
    (
        "payment",
        "the provider is asked to charge, its answer not written",
        "payment",
        "payments WHERE create_time > $1 AND confirmed",
    ),
    (
        "payment",
        "the charge is written, PaymentSucceeded not published",
        "payment",
        "payments WHERE create_time > $1 AND status = 'SUCCEEDED'",
    ),
    (
        "order",
        "PaymentSucceeded is published, nobody has reacted",
        "payment",
        "outbox WHERE time > $1 AND type LIKE '%PaymentSucceeded' AND published_at IS NOT NULL",
    ),
    (
        "order",
        "the stock is sold, the order not confirmed",
        "catalog",
        "reservations WHERE create_time > $1 AND state = 'COMMITTED'",
    ),
    (
        "catalog",
        "the stock is sold, the order not told",
        "catalog",
        "reservations WHERE create_time > $1 AND state = 'COMMITTED'",
    ),
    (
        "order",
        "the order is confirmed, OrderConfirmed not published",
        "order",
        "orders WHERE create_time > $1 AND status = 'CONFIRMED'",
    ),
    (
        "notification",
        "OrderConfirmed is published, no mail written down",
        "order",
        "outbox WHERE time > $1 AND type LIKE '%OrderConfirmed' AND published_at IS NOT NULL",
    ),
    (
        "notification",
        "the mail is written down, not handed over",
        "notification",
        "notifications WHERE create_time > $1 AND order_id IS NOT NULL",
    ),
    (
        "notification",
        "the mail is being handed over",
        "notification",
        "notifications WHERE create_time > $1 AND order_id IS NOT NULL AND attempts > 0",
    ),
]


@pytest.fixture
async def shop(ground: Ground) -> AsyncIterator[Shop]:
    async with ground.shop() as shop:
        yield shop


@pytest.mark.parametrize(
    ("victim", "done", "database", "seen"), STEPS, ids=[f"{s[0]}: {s[1]}" for s in STEPS]
)
async def test_a_kill_at_this_step_loses_and_doubles_nothing(
    ground: Ground, shop: Shop, victim: str, done: str, database: str, seen: str
) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product, key = await admin.create_product(price="10.00", stock=5), secrets.token_hex(8)
    watch = await asyncpg.connect(f"postgresql://souk:souk@127.0.0.1:{ground.ports.postgresql}/{database}")
    try:
        began = datetime.now(UTC)
        buying = asyncio.create_task(_buys(buyer, product, key))
        async with asyncio.timeout(30):
            while not await watch.fetchval(f"SELECT EXISTS (SELECT FROM {seen})", began):
                continue
        await asyncio.to_thread(ground.kill, victim)
    finally:
        await watch.close()
    await asyncio.to_thread(ground.start, victim)

    order_id = await buying
    await buyer.sees(order_id, "CONFIRMED", seconds=60)
    mails = await buyer.gets_mail("confirmed", order_id, seconds=60)
    assert [charge["status"] for charge in await shop.charges_of(order_id)] == ["succeeded"]
    assert await admin.stock(product) == 4
    assert len({mail.id for mail in mails}) == 1
    told = await buyer.ask("query($id: ID!) { order(id: $id) { notifications { template } } }", id=order_id)
    templates = [each["template"] for each in told.get("order")["notifications"]]
    assert sorted(templates) == ["order_confirmed", "order_placed"]


async def _buys(buyer: Person, product: str, key: str) -> str:
    """As a client does that has a key: until it is answered."""

    async def answered() -> str:
        return str((await buyer.buy(product, key=key))["id"])

    return await within(60, answered, "the order")
