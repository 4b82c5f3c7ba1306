"""The journey: register, create a product, find it, order it, pay, get the mail; and failures on the way."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from tests.e2e.responses import money, within
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

# As in the README, with a random address, and real ids instead of acc_... and prod_...
REGISTER = """
mutation { register(input: {name: "John Doe", email: "%s", password: "SecurePass123!"}) { account { id name email } accessToken } }
"""
CREATE_PRODUCT = """
mutation { createProduct(input: {name: "Laptop", description: "High-performance laptop", price: 999.99}) { id name price } }
"""
CREATE_ORDER = """
mutation { createOrder(input: {accountId: "%s", products: [{id: "%s", quantity: 2}]}) { id totalPrice status } }
"""


@pytest.fixture
async def shop(stack: StackUnderTest) -> AsyncIterator[Shop]:
    async with stack.shop() as shop:
        yield shop


@pytest.fixture
async def admin(shop: Shop) -> Person:
    return await shop.admin()


async def test_the_journey_of_the_readme(shop: Shop, admin: Person) -> None:
    email = f"john.{secrets.token_hex(4)}@example.com"
    registered = (await shop.execute(REGISTER % email)).get("register")
    account = registered["account"]
    john = Person(shop, account["id"], email, registered["accessToken"])
    assert (account["name"], account["email"]) == ("John Doe", email)
    assert account["id"].startswith("acc_")

    product = (await admin.execute(CREATE_PRODUCT)).get("createProduct")
    assert (product["name"], product["price"]) == ("Laptop", "999.99")

    async def is_indexed() -> bool:
        return product["id"] in await shop.search("laptpo")

    await within(2, is_indexed, "the product in the search")

    order = (await john.execute(CREATE_ORDER % (account["id"], product["id"]))).get("createOrder")
    assert (order["totalPrice"], order["status"]) == ("1999.98", "PENDING")

    confirmed = await john.wait_for_status(order["id"], "CONFIRMED")
    assert [step["status"] for step in confirmed["history"]] == ["PENDING", "CONFIRMED"]
    assert (confirmed["payment"]["status"], confirmed["payment"]["amount"]) == ("SUCCEEDED", "1999.98")

    [mail] = await john.wait_for_mail("confirmed", order["id"])
    assert mail.to == [email]


async def test_an_order_reduces_the_stock(shop: Shop, admin: Person) -> None:
    buyer, product = await shop.register(), await admin.create_product(stock=10)

    order = await buyer.buy((product, 3))
    await buyer.wait_for_status(order["id"], "CONFIRMED")

    assert await admin.stock(product) == 7


async def test_a_declined_card_cancels_the_order_releases_the_stock_and_is_mailed(
    shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product(stock=10)

    order = await buyer.buy((product, 3), card="pm_card_chargeDeclined")

    cancelled = await buyer.wait_for_status(order["id"], "CANCELLED")
    assert cancelled["cancelReason"] == "PAYMENT_FAILED"
    assert (cancelled["payment"]["status"], cancelled["payment"]["failureCode"]) == (
        "FAILED",
        "card_declined",
    )

    async def is_released() -> bool:
        return await admin.stock(product) == 10

    await within(10, is_released, "the released stock")
    [mail] = await buyer.wait_for_mail("cancelled", order["id"])
    assert "declined" in mail.text.lower()


async def test_an_order_survives_a_kill_of_its_service(
    stack: StackUnderTest, shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product(stock=10)
    order = await buyer.buy((product, 2), key=secrets.token_hex(8))

    await asyncio.to_thread(stack.kill, "order")
    await asyncio.to_thread(stack.start, "order")

    await buyer.wait_for_status(order["id"], "CONFIRMED", seconds=60)
    mails = await buyer.wait_for_mail("confirmed", order["id"])
    charges = await shop.charges(order["id"])
    assert [charge["status"] for charge in charges] == ["succeeded"]
    assert len({mail.id for mail in mails}) == 1
    assert await admin.stock(product) == 8


@pytest.mark.parametrize("service", ["payment", "catalog", "notification", "gateway", "account"])
async def test_an_order_survives_a_kill_of_any_other_service(
    stack: StackUnderTest, shop: Shop, admin: Person, service: str
) -> None:
    buyer, product = await shop.register(), await admin.create_product(stock=10)
    order = await buyer.buy((product, 2))

    await asyncio.to_thread(stack.kill, service)
    await asyncio.to_thread(stack.start, service)

    await buyer.wait_for_status(order["id"], "CONFIRMED", seconds=60)
    mails = await buyer.wait_for_mail("confirmed", order["id"], seconds=60)
    assert [charge["status"] for charge in await shop.charges(order["id"])] == ["succeeded"]
    assert len({mail.id for mail in mails}) == 1


async def test_the_same_key_is_one_order_and_one_charge(shop: Shop, admin: Person) -> None:
    buyer, product = await shop.register(), await admin.create_product(stock=100)
    key = secrets.token_hex(8)

    responses = await asyncio.gather(*(buyer.buy((product, 2), key=key) for _ in range(50)))

    [order_id] = {response["id"] for response in responses}
    await buyer.wait_for_status(order_id, "CONFIRMED")
    assert len(await shop.charges(order_id)) == 1
    assert await admin.stock(product) == 98
    other = await buyer.try_to_buy((product, 3), key=key)
    assert other.codes == ["IDEMPOTENCY_CONFLICT"]


async def test_the_last_unit_is_sold_once(shop: Shop, admin: Person) -> None:
    product = await admin.create_product(stock=1)
    buyers = [await shop.register() for _ in range(4)]

    responses = await asyncio.gather(*(buyer.try_to_buy(product) for buyer in buyers))

    assert sorted(response.codes for response in responses) == [[], *[["OUT_OF_STOCK"]] * 3]
    assert await admin.stock(product) == 0


async def test_of_200_concurrent_orders_for_50_units_50_are_accepted(shop: Shop, admin: Person) -> None:
    product = await admin.create_product(stock=50)
    buyers = [await shop.register() for _ in range(10)]

    responses = await asyncio.gather(*(buyer.try_to_buy(product) for buyer in buyers * 20))

    accepted = [response.get("createOrder")["id"] for response in responses if not response.errors]
    assert len(set(accepted)) == len(accepted) == 50
    assert {code for response in responses for code in response.codes} == {"OUT_OF_STOCK"}
    assert await admin.stock(product) == 0


async def test_the_total_is_the_sum_of_its_lines(shop: Shop, admin: Person) -> None:
    buyer = await shop.register()
    mug, cup = await admin.create_product(price="9.99"), await admin.create_product(price="0.01")

    order = await buyer.buy((mug, 3), (cup, 4), (mug, 1))

    assert money(order["totalPrice"]) == money("40.00")
    assert [(line["productId"], line["quantity"]) for line in order["lines"]] == [(mug, 4), (cup, 4)]


async def test_an_order_is_visible_to_its_buyer_and_admins_only(shop: Shop, admin: Person) -> None:
    buyer, stranger = await shop.register(), await shop.register()
    order = await buyer.buy(await admin.create_product())

    assert await buyer.order(order["id"]) is not None
    assert await stranger.order(order["id"]) is None
    assert await admin.order(order["id"]) is not None
