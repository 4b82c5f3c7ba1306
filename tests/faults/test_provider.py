"""The payment provider refuses, fails late, loses its answers and forgets its keys: no money is left behind, and none goes back twice."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.e2e.shop import CREATE_PRODUCT, Person, Shop, within
from tests.faults.ground import FaultGround, fault_ground

__all__ = ["fault_ground"]

# Longer than the first pause after a refused refund, which is a minute.
_SECONDS = 150.0
_MANY = 1_000_000


@pytest.fixture
async def shop(fault_ground: FaultGround) -> AsyncIterator[Shop]:
    async with fault_ground.shop() as shop:
        yield shop
        await shop.provider_fault(count=0)
        await shop.provider_fault(refunds="succeeded", count=0)


@pytest.fixture
async def payments(fault_ground: FaultGround) -> AsyncIterator[Any]:
    """The payment service's tables."""
    connection = await asyncpg.connect(fault_ground.database("payment"))
    yield connection
    await connection.close()


async def _paid(shop: Shop, price: str = "100.00", currency: str = "USD") -> tuple[Person, Person, str, str]:
    """An ADMIN, a buyer, their confirmed order and its payment."""
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(price=price, currency=currency, stock=5)
    key = secrets.token_hex(8)

    async def answered() -> str:
        return str((await buyer.buy(product, key=key))["id"])

    order_id = await within(60, answered, "the order")
    order = await buyer.sees(order_id, "CONFIRMED", seconds=60)
    return admin, buyer, order_id, order["payment"]["id"]


async def _gave_all_back(shop: Shop, order_id: str) -> None:
    async def empty() -> bool:
        return await shop.kept_of(order_id) == [0]

    await within(_SECONDS, empty, f"all of {order_id} back")


async def test_a_charge_that_the_provider_refuses_ends_its_order_at_once(shop: Shop) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=1)
    await shop.provider_fault(operation="create", code="amount_too_small", count=_MANY)
    order_id = (await buyer.buy(product))["id"]
    order = await buyer.sees(order_id, "CANCELLED", seconds=30)
    assert order["cancelReason"] == "PAYMENT_FAILED"

    async def is_back() -> bool:
        return await admin.stock(product) == 1

    await within(30, is_back, "the stock")


@pytest.mark.parametrize("price", ["18.605", "0.501", "7.999"])
async def test_a_price_that_the_provider_cannot_charge_is_refused(shop: Shop, price: str) -> None:
    admin = await shop.admin()
    product = {"name": "Dates", "description": "Sweet", "price": price, "currency": "KWD"}
    answer = await admin.ask(CREATE_PRODUCT, input=product)
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_a_refund_that_the_provider_cannot_make_is_refused(shop: Shop) -> None:
    admin, _, _, payment_id = await _paid(shop, "18.600", "KWD")
    assert (await admin.refund(payment_id, "0.505")).codes == ["BAD_USER_INPUT"]
    assert not (await admin.refund(payment_id, "0.500")).errors


async def test_a_cancelled_orders_money_goes_back_though_its_refund_is_refused(shop: Shop) -> None:
    _, buyer, order_id, _ = await _paid(shop)
    await shop.provider_fault(operation="refund", code="charge_disputed", count=1)
    await buyer.cancel(order_id)
    await _gave_all_back(shop, order_id)


async def test_what_a_failed_refund_left_behind_goes_back_with_its_cancelled_order(
    shop: Shop, payments: Any
) -> None:
    """40 are being refunded when the order is cancelled, so 60 go back by themselves; then one of the two is refused for good."""
    admin, buyer, order_id, payment_id = await _paid(shop)
    await shop.provider_fault(operation="refund", status=503, count=_MANY)
    assert not (await admin.refund(payment_id, "40.00")).errors
    await buyer.cancel(order_id)

    async def both() -> bool:
        rows = await payments.fetch("SELECT amount FROM refunds WHERE status = 'PENDING' ORDER BY amount")
        return [row["amount"] for row in rows] == [4000, 6000]

    await within(60, both, "two refunds under way")
    await shop.provider_fault(operation="refund", code="charge_disputed", count=1)
    await _gave_all_back(shop, order_id)


async def test_a_refund_that_fails_after_it_was_pending_is_made_again(shop: Shop) -> None:
    _, buyer, order_id, _ = await _paid(shop)
    await shop.provider_fault(refunds="failed", count=1)
    await buyer.cancel(order_id)
    await _gave_all_back(shop, order_id)


async def test_a_refund_whose_answer_was_lost_is_not_made_again_once_its_key_is_forgotten(shop: Shop) -> None:
    admin, _, order_id, payment_id = await _paid(shop)
    # Until the keys are forgotten nobody gets an answer.
    await shop.provider_fault(operation="refund", status=0, after=True, count=_MANY)
    assert not (await admin.refund(payment_id, "30.00")).errors

    async def made() -> bool:
        return await shop.kept_of(order_id) == [7000]

    await within(60, made, "the refund")
    await shop.provider_fault(keys="forgotten")
    await shop.provider_fault(operation="refund", count=0)

    async def told() -> bool:
        answer = await admin.ask("query($id: ID!) { payment(id: $id) { refundedAmount } }", id=payment_id)
        return bool(answer.get("payment")["refundedAmount"] == "30.00")

    await within(60, told, "the refund in our tables")
    assert await shop.kept_of(order_id) == [7000]


@pytest.mark.parametrize("what", ["duplicated", "reordered", "lost"])
async def test_webhooks_that_come_twice_late_or_never_change_nothing(shop: Shop, what: str) -> None:
    await shop.provider_fault(webhooks=what, count=_MANY)
    try:
        _, buyer, order_id, _ = await _paid(shop)
        assert [charge["status"] for charge in await shop.charges_of(order_id)] == ["succeeded"]
        await buyer.cancel(order_id)
        await _gave_all_back(shop, order_id)
    finally:
        await shop.provider_fault(webhooks=what, count=0)


async def test_a_worker_that_wakes_after_its_lease_leaves_what_has_ended_alone(
    fault_ground: FaultGround, shop: Shop, payments: Any
) -> None:
    admin, _, _, payment_id = await _paid(shop)
    _, _, _, other_id = await _paid(shop)
    # The only worker calls the provider, gets no answer, and freezes amid its call.
    fault_ground.stop("payment-2")
    fault_ground.network.block("payment", "stripe")
    assert not (await admin.refund(payment_id, "10.00")).errors
    await _refund_is(payments, "attempts > 0", 1000)
    fault_ground.freeze("payment")
    try:
        # Its call ends without an answer as soon as it wakes.
        fault_ground.network.reset("payment", "stripe")
        fault_ground.network.heal()
        # Another takes over once the lease has run out.
        fault_ground.start("payment-2")
        await _refund_is(payments, "status = 'SUCCEEDED'", 1000)
        fault_ground.stop("payment-2")
    finally:
        fault_ground.thaw("payment")
    # The first goes on, and does something new after what it was at.
    assert not (await admin.refund(other_id, "20.00")).errors
    await _refund_is(payments, "status = 'SUCCEEDED'", 2000)
    fault_ground.start("payment-2")
    due = await payments.fetch("SELECT id FROM refunds WHERE status <> 'PENDING' AND due_time IS NOT NULL")
    assert due == []


async def _refund_is(payments: Any, condition: str, amount: int) -> None:
    async def reached() -> bool:
        sql = f"SELECT EXISTS (SELECT FROM refunds WHERE amount = $1 AND {condition})"
        return bool(await payments.fetchval(sql, amount))

    await within(90, reached, f"a refund of {amount} with {condition}")
