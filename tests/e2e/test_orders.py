"""Orders after they are placed: cancellation, shipping, refunds, stock and subscriptions."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

import pytest

from tests.e2e.documents import CANCEL_ORDER
from tests.e2e.responses import within
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]


@pytest.fixture
async def shop(stack: StackUnderTest) -> AsyncIterator[Shop]:
    async with stack.shop() as shop:
        yield shop


@pytest.fixture
async def admin(shop: Shop) -> Person:
    return await shop.admin()


async def test_cancelling_a_paid_order_releases_its_stock_and_refunds_it(shop: Shop, admin: Person) -> None:
    buyer, product = await shop.register(), await admin.create_product(price="10.00", stock=5)
    order = await buyer.buy((product, 2))
    await buyer.wait_for_status(order["id"], "CONFIRMED")

    cancelled = (await buyer.cancel(order["id"], "found it cheaper")).get("cancelOrder")

    assert cancelled == {
        "id": order["id"],
        "status": "CANCELLED",
        "cancelReason": "CUSTOMER",
        "statusReason": "found it cheaper",
    }

    async def refunded() -> bool:
        payment = (await buyer.order(order["id"]))["payment"]
        return payment["status"] == "REFUNDED" and await admin.stock(product) == 5

    await within(20, refunded, "stock and refund")
    assert [charge["amount_received"] for charge in await shop.charges(order["id"])] == [2000]
    assert await shop.net_captured(order["id"]) == [0]
    # Cancelling again changes nothing.
    assert (await buyer.cancel(order["id"])).get("cancelOrder")["statusReason"] == "found it cheaper"


async def test_an_order_that_is_cancelled_before_its_payment_is_not_charged_in_the_end(
    shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product(price="10.00", stock=5)
    order = await buyer.buy(product)
    assert (await buyer.cancel(order["id"])).get("cancelOrder")["status"] == "CANCELLED"

    async def settled() -> bool:
        payment = (await buyer.order(order["id"]))["payment"]
        finished = payment is not None and payment["status"] in ("CANCELLED", "REFUNDED")
        return finished and not any(await shop.net_captured(order["id"])) and await admin.stock(product) == 5

    await within(20, settled, "a full refund")


async def test_a_shipped_order_is_delivered_and_cannot_be_cancelled(shop: Shop, admin: Person) -> None:
    buyer, product = await shop.register(), await admin.create_product(stock=5)
    order = await buyer.buy(product)
    assert (await admin.update_status(order["id"], "SHIPPED")).codes == ["FAILED_PRECONDITION"]
    await buyer.wait_for_status(order["id"], "CONFIRMED")

    shipped = await admin.update_status(order["id"], "SHIPPED", note="by bike", internalNote="fragile")
    assert shipped.get("updateOrderStatus")["history"][-1]["internalNote"] == "fragile"
    assert (await buyer.cancel(order["id"])).codes == ["FAILED_PRECONDITION"]
    assert (await admin.update_status(order["id"], "DELIVERED")).get("updateOrderStatus")[
        "status"
    ] == "DELIVERED"

    delivered = await buyer.order(order["id"])
    assert [step["status"] for step in delivered["history"]] == [
        "PENDING",
        "CONFIRMED",
        "SHIPPED",
        "DELIVERED",
    ]
    assert await admin.stock(product) == 4


async def test_stock_is_adjusted_once_for_its_key_and_never_below_zero(shop: Shop, admin: Person) -> None:
    product, key = await admin.create_product(stock=10), secrets.token_hex(8)

    responses = await asyncio.gather(*(admin.adjust_stock(product, -4, key) for _ in range(5)))
    assert {response.get("adjustStock")["stock"] for response in responses} == {6}
    assert (await admin.adjust_stock(product, -5, key)).codes == ["IDEMPOTENCY_CONFLICT"]
    assert (await admin.adjust_stock(product, -7)).codes == ["FAILED_PRECONDITION"]
    assert (await admin.set_stock(product, 3, expected=7)).codes == ["VERSION_CONFLICT"]
    assert (await admin.set_stock(product, 3, expected=6)).get("setStock")["stock"] == 3
    assert (await (await shop.register()).adjust_stock(product, 1)).codes == ["FORBIDDEN"]

    untracked = (await admin.set_stock(product, None)).get("setStock")
    assert (untracked["stock"], untracked["available"]) == (None, True)
    assert (await admin.adjust_stock(product, 1)).codes == ["FAILED_PRECONDITION"]


async def test_only_the_buyer_cancels_and_only_an_admin_changes_the_status(shop: Shop, admin: Person) -> None:
    buyer, stranger = await shop.register(), await shop.register()
    order = await buyer.buy(await admin.create_product())

    assert (await stranger.cancel(order["id"])).codes == ["NOT_FOUND"]
    assert (await shop.execute(CANCEL_ORDER, id=order["id"])).codes == ["UNAUTHENTICATED"]
    assert (await buyer.update_status(order["id"], "SHIPPED")).codes == ["FORBIDDEN"]
    assert (await admin.update_status(order["id"], "CANCELLED")).fields == ["status"]
    assert (await admin.cancel(order["id"])).get("cancelOrder")["cancelReason"] == "ADMIN"


async def test_20_concurrent_refunds_of_a_tenth_refund_the_total_and_no_more(
    shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product(price="100.00", stock=5)
    order = await buyer.buy(product)
    paid = (await buyer.wait_for_status(order["id"], "CONFIRMED"))["payment"]

    responses = await asyncio.gather(*(admin.refund(paid["id"], "10.00") for _ in range(20)))

    assert sorted(response.codes for response in responses) == [[]] * 10 + [["FAILED_PRECONDITION"]] * 10
    # A complete refund before shipping cancels the order and releases its stock.
    await buyer.wait_for_status(order["id"], "CANCELLED")

    async def settled() -> bool:
        return not any(await shop.net_captured(order["id"])) and await admin.stock(product) == 5

    await within(20, settled, "a full refund")


async def test_a_partial_refund_is_made_once_per_key_and_the_order_stays_confirmed(
    shop: Shop, admin: Person
) -> None:
    buyer = await shop.register()
    order = await buyer.buy(await admin.create_product(price="100.00"))
    paid = (await buyer.wait_for_status(order["id"], "CONFIRMED"))["payment"]
    key = secrets.token_hex(8)

    responses = await asyncio.gather(
        *(admin.refund(paid["id"], "12.34", key, reason="scratched") for _ in range(5))
    )

    assert [len(response.get("refundPayment")["refunds"]) for response in responses] == [1] * 5
    assert (await admin.refund(paid["id"], "12.35", key)).codes == ["IDEMPOTENCY_CONFLICT"]
    assert (await buyer.refund(paid["id"], "1.00")).codes == ["FORBIDDEN"]
    assert (await admin.refund(paid["id"], "0.001")).fields == ["amount"]

    async def refunded() -> bool:
        current = await buyer.order(order["id"])
        assert (current["status"], current["refundedAmount"]) == ("CONFIRMED", "12.34")
        return await shop.net_captured(order["id"]) == [10_000 - 1_234]

    await within(20, refunded, "a refund of 12.34")
    await within(20, lambda: _has_mail(buyer, "12.34"), "a mail about it")


async def test_order_updated_sends_every_change(shop: Shop, admin: Person) -> None:
    buyer, product = await shop.register(), await admin.create_product()
    order = await buyer.buy(product)
    seen: list[str] = []

    async def watch() -> None:
        versions = []
        async with buyer.subscribe(order["id"]) as updates:
            async for update in updates:
                versions.append(update["version"])
                seen.append(update["status"])
                if update["status"] == "DELIVERED":
                    break
        assert versions == sorted(set(versions))

    watching = asyncio.create_task(watch())
    await buyer.wait_for_status(order["id"], "CONFIRMED")
    await within(20, lambda: _has(seen, "CONFIRMED"), "the update to CONFIRMED")
    await admin.update_status(order["id"], "SHIPPED")
    await within(20, lambda: _has(seen, "SHIPPED"), "the update to SHIPPED")
    await admin.update_status(order["id"], "DELIVERED")
    await asyncio.wait_for(watching, 20)


async def test_a_subscription_continues_after_kafka_and_the_order_service_were_down(
    stack: StackUnderTest, shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product()
    order = await buyer.buy(product)
    await buyer.wait_for_status(order["id"], "CONFIRMED")
    async with buyer.subscribe(order["id"]) as updates:
        assert (await anext(updates))["status"] == "CONFIRMED"
        for component in ("kafka", "order"):
            await asyncio.to_thread(stack.kill, component)
            await asyncio.to_thread(stack.start, component)

        async def is_shipped() -> bool:
            return not (await admin.update_status(order["id"], "SHIPPED")).errors

        await within(30, is_shipped, "the status update")
        async with asyncio.timeout(30):
            assert (await anext(updates))["status"] == "SHIPPED"


async def test_a_gateway_that_stops_closes_subscriptions_at_once(
    stack: StackUnderTest, shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product()
    order = await buyer.buy(product)
    await buyer.wait_for_status(order["id"], "CONFIRMED")
    async with buyer.subscribe_sse(order["id"]) as updates, buyer.subscribe(order["id"]) as watched:
        assert (await anext(updates))["status"] == (await anext(watched))["status"] == "CONFIRMED"
        await admin.update_status(order["id"], "SHIPPED")
        assert (await anext(updates))["status"] == (await anext(watched))["status"] == "SHIPPED"
        start = time.monotonic()
        try:
            await asyncio.to_thread(stack.stop, "gateway")
            assert [update async for update in updates] == []
        finally:
            await asyncio.to_thread(stack.start, "gateway")
    assert time.monotonic() - start < 15


async def _has_mail(person: Person, text: str) -> bool:
    return any(text in mail.text for mail in await person.shop.mails_to(person.email))


async def _has(seen: list[str], status: str) -> bool:
    return status in seen
