"""Payment in the page and saved methods on the stack: the secret, another card, the bank, two tabs, cancellation, a saved card."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.e2e.page import (
    BANK_ASKS_CARD,
    DECLINED_CARD,
    GOOD_CARD,
    START_PAYMENT,
    answer_bank,
    confirm_in_page,
    pay_in_page,
    save_method,
    saved_methods,
    start_payment,
)
from tests.e2e.responses import within
from tests.e2e.shop import PASSWORD, Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

PAYMENT = """query($id: ID!) { order(id: $id) { status payment { id status failureCode clientSecret nextActionUrl } } }"""
DELETE_ACCOUNT = "mutation($password: String!) { deleteAccount(password: $password) }"


@dataclass
class Buying:
    """A buyer and a product."""

    shop: Shop
    buyer: Person
    product: str

    async def order(self, **fields: object) -> str:
        order = await self.buyer.buy(self.product, **{"confirmation": "CLIENT", **fields})
        return str(order["id"])


@pytest.fixture
async def world(stack: StackUnderTest) -> AsyncIterator[Buying]:
    async with stack.shop() as shop:
        admin = await shop.admin()
        product = await admin.create_product(price="12.50", stock=100)
        yield Buying(shop, await shop.register(), product)


async def test_a_page_pays_and_the_secret_is_gone(world: Buying) -> None:
    order_id = await world.order()
    payment = await start_payment(world.buyer, order_id)
    assert payment["status"] == "REQUIRES_ACTION"
    assert payment["payBefore"]
    await pay_in_page(world.buyer, order_id, [GOOD_CARD])
    await world.buyer.wait_for_status(order_id, "CONFIRMED")
    again = (await world.buyer.execute(START_PAYMENT, id=order_id)).get("startPayment")
    assert (again["status"], again["clientSecret"]) == ("SUCCEEDED", None)
    assert [charge["status"] for charge in await world.shop.charges(order_id)] == ["succeeded"]


async def test_a_decline_wakes_the_subscriber_and_another_card_pays(world: Buying) -> None:
    order_id = await world.order()
    secret = (await start_payment(world.buyer, order_id))["clientSecret"]
    async with world.buyer.subscribe(order_id) as updates:
        assert (await anext(updates))["status"] == "PENDING"
        await confirm_in_page(world.shop, secret, DECLINED_CARD)

        async def shown() -> bool:
            order = (await world.buyer.execute(PAYMENT, id=order_id)).get("order")
            return bool(order["payment"] and order["payment"]["failureCode"] == "card_declined")

        await within(20, shown, "the decline")
        woken = await anext(updates)
        assert (woken["status"], woken["version"]) == ("PENDING", 1)
        await confirm_in_page(world.shop, secret, GOOD_CARD)
        while (await anext(updates))["status"] != "CONFIRMED":
            continue


@pytest.mark.parametrize("passes", [True, False])
async def test_the_bank_asks_in_the_page(world: Buying, passes: bool) -> None:
    order_id = await world.order()
    secret = (await start_payment(world.buyer, order_id))["clientSecret"]
    waiting = await confirm_in_page(world.shop, secret, BANK_ASKS_CARD)
    assert waiting["status"] == "requires_action"
    await answer_bank(world.buyer, waiting["id"], passes=passes)
    if not passes:
        await confirm_in_page(world.shop, secret, GOOD_CARD)
    await world.buyer.wait_for_status(order_id, "CONFIRMED")


async def test_two_tabs_start_one_payment_and_pay_once(world: Buying) -> None:
    order_id = await world.order()
    first, second = await asyncio.gather(*(start_payment(world.buyer, order_id) for _ in range(2)))
    assert first["clientSecret"] == second["clientSecret"]
    await asyncio.gather(*(confirm_in_page(world.shop, first["clientSecret"], GOOD_CARD) for _ in range(2)))
    await world.buyer.wait_for_status(order_id, "CONFIRMED")
    assert await world.shop.net_captured(order_id) == [1250]


async def test_a_page_cannot_pay_a_cancelled_order(world: Buying) -> None:
    order_id = await world.order()
    secret = (await start_payment(world.buyer, order_id))["clientSecret"]
    await world.buyer.cancel(order_id)

    async def closed() -> bool:
        return [charge["status"] for charge in await world.shop.charges(order_id)] == ["canceled"]

    await within(30, closed, "the cancelled intent")
    assert (await confirm_in_page(world.shop, secret, GOOD_CARD))["status"] == "canceled"


async def test_contradictions_are_rejected(world: Buying) -> None:
    both = await world.buyer.try_to_buy(world.product, card="pm_card_visa", confirmation="CLIENT")
    assert (both.codes, both.fields) == (["BAD_USER_INPUT"], ["paymentMethod"])
    server = await world.order(confirmation="SERVER")
    await world.buyer.wait_for_status(server, "CONFIRMED")
    response = await world.buyer.execute(START_PAYMENT, id=server)
    assert (response.codes, response.errors[0]["extensions"]["reason"]) == (
        ["FAILED_PRECONDITION"],
        "PAYMENT_STATE",
    )


async def test_a_saved_card_pays_later_orders_until_it_is_deleted(world: Buying) -> None:
    method = await save_method(world.buyer, BANK_ASKS_CARD)
    order_id = await world.order(confirmation="SERVER", paymentMethod=method)

    async def requested() -> str:
        order = (await world.buyer.execute(PAYMENT, id=order_id)).get("order")
        return str((order["payment"] or {}).get("nextActionUrl") or "")

    url = await within(20, requested, "the bank's page")
    assert url
    [intent] = await world.shop.charges(order_id)
    await answer_bank(world.buyer, intent["id"])
    await world.buyer.wait_for_status(order_id, "CONFIRMED")

    await world.buyer.execute("mutation($id: ID!) { deletePaymentMethod(id: $id) }", id=method)
    assert await saved_methods(world.buyer) == []
    unpaid = await world.order(confirmation="SERVER", paymentMethod=method)
    failed = await world.buyer.wait_for_status(unpaid, "CANCELLED")
    assert (failed["cancelReason"], failed["payment"]["failureCode"]) == (
        "PAYMENT_FAILED",
        "processing_error",
    )


async def test_a_checkout_saves_its_card_and_a_deleted_account_has_none_at_the_provider(
    world: Buying,
) -> None:
    order_id = await world.order(saveMethod=True)
    await pay_in_page(world.buyer, order_id, [GOOD_CARD])
    await world.buyer.wait_for_status(order_id, "CONFIRMED")

    async def saved() -> list[str]:
        return await saved_methods(world.buyer)

    [_] = await within(30, saved, "the saved method")
    admin = await world.shop.admin()
    for status in ("SHIPPED", "DELIVERED"):
        await admin.update_status(order_id, status)
    [charge] = await world.shop.charges(order_id)
    assert (await world.buyer.execute(DELETE_ACCOUNT, password=PASSWORD)).get("deleteAccount")

    async def forgotten() -> bool:
        path = f"/v1/customers/{charge['customer']}/payment_methods"
        headers = {"Authorization": "Bearer sk_test_tests"}
        cards = (await world.shop.ask_provider("GET", path, headers=headers))["data"]
        return len(cards) == 0

    await within(30, forgotten, "the provider's deletion")
