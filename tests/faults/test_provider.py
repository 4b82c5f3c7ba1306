"""The payment provider rejects calls, fails late, loses responses and forgets keys: every refund is made exactly once."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from kit.values import ORDER
from tests.e2e.documents import CREATE_PRODUCT
from tests.e2e.page import start_payment
from tests.e2e.responses import within
from tests.e2e.shop import Person, Shop
from tests.faults.stack import FaultStack, fault_stack

__all__ = ["fault_stack"]

# Longer than the delay after a rejected refund, which is a minute.
_REFUND_SECONDS = 150.0
_UNLIMITED = 1_000_000
_WRONG_SECONDS = 240


@pytest.fixture
async def shop(fault_stack: FaultStack) -> AsyncIterator[Shop]:
    async with fault_stack.shop() as shop:
        yield shop
        await shop.inject_provider_fault(count=0)
        await shop.inject_provider_fault(refunds="succeeded", count=0)


@pytest.fixture
async def payments(fault_stack: FaultStack) -> AsyncIterator[Any]:
    """A connection to the payment service's database."""
    connection = await asyncpg.connect(fault_stack.database("payment"))
    yield connection
    await connection.close()


async def _paid(shop: Shop, price: str = "100.00", currency: str = "USD") -> tuple[Person, Person, str, str]:
    """An ADMIN, a buyer, their confirmed order and its payment."""
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(price=price, currency=currency, stock=5)
    order_id = await buyer.buy_until_answered(product, seconds=60)
    order = await buyer.wait_for_status(order_id, "CONFIRMED", seconds=60)
    return admin, buyer, order_id, order["payment"]["id"]


async def _wait_until_refunded(shop: Shop, order_id: str) -> None:
    async def is_refunded() -> bool:
        return await shop.net_captured(order_id) == [0]

    await within(_REFUND_SECONDS, is_refunded, f"the whole refund of {order_id}")


async def test_an_order_is_cancelled_at_once_if_the_provider_rejects_its_charge(shop: Shop) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=1)
    await shop.inject_provider_fault(operation="create", code="amount_too_small", count=_UNLIMITED)
    order_id = (await buyer.buy(product))["id"]
    order = await buyer.wait_for_status(order_id, "CANCELLED", seconds=30)
    assert order["cancelReason"] == "PAYMENT_FAILED"

    async def is_released() -> bool:
        return await admin.stock(product) == 1

    await within(30, is_released, "the stock")


@pytest.mark.parametrize("price", ["18.605", "0.501", "7.999"])
async def test_a_price_that_the_provider_cannot_charge_is_rejected(shop: Shop, price: str) -> None:
    admin = await shop.admin()
    product = {"name": "Dates", "description": "Sweet", "price": price, "currency": "KWD"}
    response = await admin.execute(CREATE_PRODUCT, input=product)
    assert response.codes == ["BAD_USER_INPUT"]


async def test_a_refund_that_the_provider_cannot_make_is_rejected(shop: Shop) -> None:
    admin, _, _, payment_id = await _paid(shop, "18.600", "KWD")
    assert (await admin.refund(payment_id, "0.505")).codes == ["BAD_USER_INPUT"]
    assert not (await admin.refund(payment_id, "0.500")).errors


async def test_a_cancelled_order_is_refunded_although_its_first_refund_is_rejected(shop: Shop) -> None:
    _, buyer, order_id, _ = await _paid(shop)
    await shop.inject_provider_fault(operation="refund", code="charge_disputed", count=1)
    await buyer.cancel(order_id)
    await _wait_until_refunded(shop, order_id)


async def test_the_amount_of_a_failed_refund_is_refunded_when_its_order_is_cancelled(
    shop: Shop, payments: Any
) -> None:
    """A refund of 40 is pending when the order is cancelled, so 60 are refunded automatically; then one of the two fails permanently."""
    admin, buyer, order_id, payment_id = await _paid(shop)
    await shop.inject_provider_fault(operation="refund", status=503, count=_UNLIMITED)
    assert not (await admin.refund(payment_id, "40.00")).errors
    await buyer.cancel(order_id)

    async def are_pending() -> bool:
        rows = await payments.fetch("SELECT amount FROM refunds WHERE status = 'PENDING' ORDER BY amount")
        return [row["amount"] for row in rows] == [4000, 6000]

    await within(60, are_pending, "two pending refunds")
    await shop.inject_provider_fault(operation="refund", code="charge_disputed", count=1)
    await _wait_until_refunded(shop, order_id)


async def test_a_pending_refund_that_fails_is_repeated(shop: Shop) -> None:
    _, buyer, order_id, _ = await _paid(shop)
    await shop.inject_provider_fault(refunds="failed", count=1)
    await buyer.cancel(order_id)
    await _wait_until_refunded(shop, order_id)


async def test_a_refund_with_a_lost_response_is_not_repeated_after_its_key_expired(shop: Shop) -> None:
    admin, _, order_id, payment_id = await _paid(shop)
    # All responses are lost until the keys have expired.
    await shop.inject_provider_fault(operation="refund", status=0, after=True, count=_UNLIMITED)
    assert not (await admin.refund(payment_id, "30.00")).errors

    async def is_refunded() -> bool:
        return await shop.net_captured(order_id) == [7000]

    await within(60, is_refunded, "the refund")
    await shop.inject_provider_fault(keys="forgotten")
    await shop.inject_provider_fault(operation="refund", count=0)

    async def is_recorded() -> bool:
        response = await admin.execute(
            "query($id: ID!) { payment(id: $id) { refundedAmount } }", id=payment_id
        )
        return bool(response.get("payment")["refundedAmount"] == "30.00")

    await within(60, is_recorded, "the refund in our tables")
    assert await shop.net_captured(order_id) == [7000]


@pytest.mark.parametrize("fault", ["duplicated", "reordered", "lost"])
async def test_duplicated_reordered_or_lost_webhooks_change_nothing(shop: Shop, fault: str) -> None:
    await shop.inject_provider_fault(webhooks=fault, count=_UNLIMITED)
    try:
        _, buyer, order_id, _ = await _paid(shop)
        assert [charge["status"] for charge in await shop.charges(order_id)] == ["succeeded"]
        await buyer.cancel(order_id)
        await _wait_until_refunded(shop, order_id)
    finally:
        await shop.inject_provider_fault(webhooks=fault, count=0)


async def test_a_worker_that_resumes_after_its_lease_does_not_touch_finished_rows(
    fault_stack: FaultStack, shop: Shop, payments: Any
) -> None:
    admin, _, _, payment_id = await _paid(shop)
    _, _, _, other_id = await _paid(shop)
    # The only worker calls the provider, gets no response, and freezes during the call.
    fault_stack.stop("payment-2")
    fault_stack.network.block("payment", "stripe")
    assert not (await admin.refund(payment_id, "10.00")).errors
    await _wait_for_refund(payments, "attempts > 0", 1000)
    fault_stack.freeze("payment")
    try:
        # Its call will fail as soon as it resumes.
        fault_stack.network.reset("payment", "stripe")
        fault_stack.network.heal()
        # The other worker takes over after the lease has expired.
        fault_stack.start("payment-2")
        await _wait_for_refund(payments, "status = 'SUCCEEDED'", 1000)
        fault_stack.stop("payment-2")
    finally:
        fault_stack.thaw("payment")
    # The first resumes, and handles a new refund after the old one.
    assert not (await admin.refund(other_id, "20.00")).errors
    await _wait_for_refund(payments, "status = 'SUCCEEDED'", 2000)
    fault_stack.start("payment-2")
    due = await payments.fetch("SELECT id FROM refunds WHERE status <> 'PENDING' AND due_time IS NOT NULL")
    assert due == []


async def test_payments_of_a_wrong_clock_are_not_late_once_it_is_right(
    fault_stack: FaultStack, shop: Shop, payments: Any
) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=1)
    replicas = fault_stack.replicas("payment")
    try:
        for replica in replicas:
            fault_stack.clocks.step(replica, _WRONG_SECONDS)
            fault_stack.network.block(replica, "stripe")
        order = await buyer.buy(product, confirmation="CLIENT")

        async def is_stored() -> bool:
            sql = "SELECT EXISTS (SELECT FROM payments WHERE order_id = $1 AND attempts > 0)"
            return bool(await payments.fetchval(sql, ORDER.parse(order["id"], "id")))

        await within(60, is_stored, "the payment")
    finally:
        fault_stack.network.heal()
        for replica in replicas:
            fault_stack.clocks.step(replica, 0)
    # A lease may have to end first, and the step after it may be the last one of the outage.
    assert (await start_payment(buyer, order["id"], seconds=60))["clientSecret"]


async def _wait_for_refund(payments: Any, condition: str, amount: int) -> None:
    async def reached() -> bool:
        sql = f"SELECT EXISTS (SELECT FROM refunds WHERE amount = $1 AND {condition})"
        return bool(await payments.fetchval(sql, amount))

    await within(90, reached, f"a refund of {amount} with {condition}")
