"""Orders after they are placed: cancelling, shipping, and watching them change."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

import pytest

from tests.e2e.ground import Ground, ground
from tests.e2e.shop import CANCEL_ORDER, Person, Shop, within

__all__ = ["ground"]


@pytest.fixture
async def shop(ground: Ground) -> AsyncIterator[Shop]:
    async with ground.shop() as shop:
        yield shop


@pytest.fixture
async def admin(shop: Shop) -> Person:
    return await shop.admin()


async def test_a_paid_order_that_its_buyer_cancels_gives_stock_and_money_back(
    shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product(price="10.00", stock=5)
    order = await buyer.buy((product, 2))
    await buyer.sees(order["id"], "CONFIRMED")

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

    await within(20, refunded, "stock and money back")
    assert [charge["amount_received"] for charge in await shop.charges_of(order["id"])] == [2000]
    assert await shop.kept_of(order["id"]) == [0]
    # Again: the order as it is.
    assert (await buyer.cancel(order["id"])).get("cancelOrder")["statusReason"] == "found it cheaper"


async def test_an_order_cancelled_before_it_was_paid_is_charged_nothing_in_the_end(
    shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product(price="10.00", stock=5)
    order = await buyer.buy(product)
    assert (await buyer.cancel(order["id"])).get("cancelOrder")["status"] == "CANCELLED"

    async def settled() -> bool:
        payment = (await buyer.order(order["id"]))["payment"]
        ended = payment is not None and payment["status"] in ("CANCELLED", "REFUNDED")
        return ended and not any(await shop.kept_of(order["id"])) and await admin.stock(product) == 5

    await within(20, settled, "nothing kept")


async def test_an_order_goes_out_and_arrives_and_can_be_cancelled_no_more(shop: Shop, admin: Person) -> None:
    buyer, product = await shop.register(), await admin.create_product(stock=5)
    order = await buyer.buy(product)
    assert (await admin.move(order["id"], "SHIPPED")).codes == ["FAILED_PRECONDITION"]
    await buyer.sees(order["id"], "CONFIRMED")

    shipped = await admin.move(order["id"], "SHIPPED", note="by bike", internalNote="fragile")
    assert shipped.get("updateOrderStatus")["history"][-1]["internalNote"] == "fragile"
    assert (await buyer.cancel(order["id"])).codes == ["FAILED_PRECONDITION"]
    assert (await admin.move(order["id"], "DELIVERED")).get("updateOrderStatus")["status"] == "DELIVERED"

    seen = await buyer.order(order["id"])
    assert [step["status"] for step in seen["history"]] == ["PENDING", "CONFIRMED", "SHIPPED", "DELIVERED"]
    assert await admin.stock(product) == 4


async def test_stock_is_adjusted_once_for_its_key_and_never_below_zero(shop: Shop, admin: Person) -> None:
    product, key = await admin.create_product(stock=10), secrets.token_hex(8)

    answers = await asyncio.gather(*(admin.adjust_stock(product, -4, key) for _ in range(5)))
    assert {answer.get("adjustStock")["stock"] for answer in answers} == {6}
    assert (await admin.adjust_stock(product, -5, key)).codes == ["IDEMPOTENCY_CONFLICT"]
    assert (await admin.adjust_stock(product, -7)).codes == ["FAILED_PRECONDITION"]
    assert (await admin.set_stock(product, 3, expected=7)).codes == ["VERSION_CONFLICT"]
    assert (await admin.set_stock(product, 3, expected=6)).get("setStock")["stock"] == 3
    assert (await (await shop.register()).adjust_stock(product, 1)).codes == ["FORBIDDEN"]

    untracked = (await admin.set_stock(product, None)).get("setStock")
    assert (untracked["stock"], untracked["available"]) == (None, True)
    assert (await admin.adjust_stock(product, 1)).codes == ["FAILED_PRECONDITION"]


async def test_who_may_cancel_and_who_may_move(shop: Shop, admin: Person) -> None:
    buyer, stranger = await shop.register(), await shop.register()
    order = await buyer.buy(await admin.create_product())

    assert (await stranger.cancel(order["id"])).codes == ["NOT_FOUND"]
    assert (await shop.ask(CANCEL_ORDER, id=order["id"])).codes == ["UNAUTHENTICATED"]
    assert (await buyer.move(order["id"], "SHIPPED")).codes == ["FORBIDDEN"]
    assert (await admin.move(order["id"], "CANCELLED")).fields == ["status"]
    assert (await admin.cancel(order["id"])).get("cancelOrder")["cancelReason"] == "ADMIN"


async def test_20_refunds_of_a_tenth_at_once_give_back_the_whole_and_no_more(
    shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product(price="100.00", stock=5)
    order = await buyer.buy(product)
    paid = (await buyer.sees(order["id"], "CONFIRMED"))["payment"]

    answers = await asyncio.gather(*(admin.refund(paid["id"], "10.00") for _ in range(20)))

    assert sorted(answer.codes for answer in answers) == [[]] * 10 + [["FAILED_PRECONDITION"]] * 10
    # All of it went back: the order that did not go out yet ends, and its stock returns.
    await buyer.sees(order["id"], "CANCELLED")

    async def settled() -> bool:
        return not any(await shop.kept_of(order["id"])) and await admin.stock(product) == 5

    await within(20, settled, "all of it back")


async def test_a_part_goes_back_once_for_its_key_and_the_order_stays(shop: Shop, admin: Person) -> None:
    buyer = await shop.register()
    order = await buyer.buy(await admin.create_product(price="100.00"))
    paid = (await buyer.sees(order["id"], "CONFIRMED"))["payment"]
    key = secrets.token_hex(8)

    answers = await asyncio.gather(
        *(admin.refund(paid["id"], "12.34", key, reason="scratched") for _ in range(5))
    )

    assert [len(answer.get("refundPayment")["refunds"]) for answer in answers] == [1] * 5
    assert (await admin.refund(paid["id"], "12.35", key)).codes == ["IDEMPOTENCY_CONFLICT"]
    assert (await buyer.refund(paid["id"], "1.00")).codes == ["FORBIDDEN"]
    assert (await admin.refund(paid["id"], "0.001")).fields == ["amount"]

    async def refunded() -> bool:
        seen = await buyer.order(order["id"])
        assert (seen["status"], seen["refundedAmount"]) == ("CONFIRMED", "12.34")
        return await shop.kept_of(order["id"]) == [10_000 - 1_234]

    await within(20, refunded, "12.34 back")
    await within(20, lambda: _mailed(buyer, "12.34"), "a mail about it")


async def test_order_updated_tells_every_change_up_to_the_last(shop: Shop, admin: Person) -> None:
    buyer, product = await shop.register(), await admin.create_product()
    order = await buyer.buy(product)
    seen: list[str] = []

    async def watch() -> None:
        versions = []
        async with buyer.watching(order["id"]) as updates:
            async for update in updates:
                versions.append(update["version"])
                seen.append(update["status"])
                if update["status"] == "DELIVERED":
                    break
        assert versions == sorted(set(versions))

    watching = asyncio.create_task(watch())
    await buyer.sees(order["id"], "CONFIRMED")
    await within(20, lambda: _has(seen, "CONFIRMED"), "CONFIRMED told")
    await admin.move(order["id"], "SHIPPED")
    await within(20, lambda: _has(seen, "SHIPPED"), "SHIPPED told")
    await admin.move(order["id"], "DELIVERED")
    await asyncio.wait_for(watching, 20)


async def test_a_watched_order_is_told_on_after_kafka_and_the_order_service_were_away(
    ground: Ground, shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product()
    order = await buyer.buy(product)
    await buyer.sees(order["id"], "CONFIRMED")
    async with buyer.watching(order["id"]) as updates:
        assert (await anext(updates))["status"] == "CONFIRMED"
        for part in ("kafka", "order"):
            await asyncio.to_thread(ground.kill, part)
            await asyncio.to_thread(ground.start, part)

        async def moved() -> bool:
            return not (await admin.move(order["id"], "SHIPPED")).errors

        await within(30, moved, "the order moved")
        async with asyncio.timeout(30):
            assert (await anext(updates))["status"] == "SHIPPED"


async def test_whoever_listens_to_a_gateway_that_ends_is_sent_away_and_it_ends_at_once(
    ground: Ground, shop: Shop, admin: Person
) -> None:
    buyer, product = await shop.register(), await admin.create_product()
    order = await buyer.buy(product)
    await buyer.sees(order["id"], "CONFIRMED")
    async with buyer.following(order["id"]) as updates, buyer.watching(order["id"]) as watched:
        assert (await anext(updates))["status"] == (await anext(watched))["status"] == "CONFIRMED"
        await admin.move(order["id"], "SHIPPED")
        assert (await anext(updates))["status"] == (await anext(watched))["status"] == "SHIPPED"
        began = time.monotonic()
        try:
            await asyncio.to_thread(ground.stop, "gateway")
            assert [update async for update in updates] == []
        finally:
            await asyncio.to_thread(ground.start, "gateway")
    assert time.monotonic() - began < 15


async def _mailed(person: Person, text: str) -> bool:
    return any(text in mail.text for mail in await person.shop.mails_to(person.email))


async def _has(seen: list[str], status: str) -> bool:
    return status in seen
