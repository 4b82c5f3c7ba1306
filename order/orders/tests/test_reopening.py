"""Orders of carts that end unpaid open their cart again; others do not."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from kit.testing.principals import admin, customer
from kit.values import Money
from order.orders.domain import CancelReason, Order
from order.orders.ports import StockState
from order.orders.tests.samples import LATER, NOW, confirmed, pending
from order.tests.shop import Shop


def of_cart(order: Order) -> Order:
    order.cart_id = uuid4()
    return order


@pytest.mark.parametrize(
    "end",
    [
        lambda order: order.payment_failed("card_declined", NOW),
        lambda order: order.expire(order.deadline),
        lambda order: order.payment_succeeded(False, NOW),
        lambda order: order.cancel(CancelReason.CUSTOMER, NOW),
    ],
)
def test_an_order_that_ends_unpaid_reopens_its_cart(end: Callable[[Order], object]) -> None:
    order = of_cart(pending())
    assert not order.reopens_cart

    assert end(order)

    assert order.reopens_cart


@pytest.mark.parametrize(
    "end",
    [
        lambda order: order.cancel(CancelReason.ADMIN, NOW),
        lambda order: order.account_deleted(NOW),
        lambda order: order.refund(order.total, "as agreed", NOW),
    ],
)
def test_an_order_that_the_shop_ends_keeps_its_cart(end: Callable[[Order], object]) -> None:
    order = of_cart(pending())

    assert end(order)

    assert not order.reopens_cart


def test_a_paid_order_keeps_its_cart_when_its_customer_cancels_it() -> None:
    order = of_cart(confirmed())

    assert order.cancel(CancelReason.CUSTOMER, LATER)

    assert not order.reopens_cart


def test_an_order_without_a_cart_reopens_none() -> None:
    order = pending()
    order.payment_failed("card_declined", NOW)

    assert not order.reopens_cart


async def placed_from_a_cart(shop: Shop) -> Order:
    order = of_cart(await shop.pending())
    await shop.store.save(None, [order])
    return order


async def test_the_cart_is_reopened_with_the_cancellation_and_once(shop: Shop) -> None:
    order = await placed_from_a_cart(shop)

    await shop.fail_payment(order)
    await shop.fail_payment(order)

    assert [reopened.id for reopened in shop.carts.orders] == [order.id]


async def test_the_sweep_reopens_the_carts_of_what_it_cancels(shop: Shop) -> None:
    orders = [await placed_from_a_cart(shop), await shop.pending(), await placed_from_a_cart(shop)]
    shop.clock.advance(minutes=11)

    await shop.orders.cancel_overdue()

    assert {reopened.id for reopened in shop.carts.orders} == {orders[0].id, orders[2].id}


async def test_a_paid_order_whose_reservation_expired_reopens_its_cart(shop: Shop) -> None:
    order = await placed_from_a_cart(shop)
    shop.catalog.states[order.id] = StockState.RELEASED

    await shop.pay(order)

    assert [reopened.id for reopened in shop.carts.orders] == [order.id]


async def test_of_cancellations_only_the_customers_before_the_payment_reopens(shop: Shop) -> None:
    caller = customer()
    own, by_admin = of_cart(await shop.place(caller)), of_cart(await shop.place(caller))
    await shop.store.save(None, [own, by_admin])

    await shop.orders.cancel(caller, own.id, "")
    await shop.orders.cancel(admin(), by_admin.id, "")
    await shop.orders.cancel(caller, own.id, "")

    assert [reopened.id for reopened in shop.carts.orders] == [own.id]


async def test_a_deleted_account_loses_its_carts_and_reopens_none(shop: Shop) -> None:
    order = await placed_from_a_cart(shop)

    async with shop.db.transaction() as tx:
        await shop.closed_accounts.account_deleted(tx, order.account_id)

    assert (shop.carts.orders, shop.carts.erased) == ([], [order.account_id])


async def test_a_refund_of_a_pending_order_reopens_nothing(shop: Shop) -> None:
    order = await placed_from_a_cart(shop)

    async with shop.db.transaction() as tx:
        await shop.orders.payment_refunded(tx, order.id, Money(order.total.minor, "USD"), "")

    assert shop.carts.orders == []


@pytest.fixture
def shop() -> Shop:
    return Shop()
