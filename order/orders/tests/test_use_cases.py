"""Reading and changing orders, on fakes: what is saved, emitted and rejected."""

from uuid import uuid4

import pytest

from kit.testing.principals import admin, customer
from kit.values import Money
from order.listing.ports import OrderFilter
from order.orders.domain import (
    CancelReason,
    Order,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPlaced,
    OrderShipped,
    Status,
)
from order.orders.errors import InvalidOrderState, OrderNotFound
from order.orders.ports import StockState
from order.tests.shop import Shop


async def advanced(shop: Shop, status: Status) -> Order:
    """An order that was shipped, or shipped and delivered."""
    order = await shop.confirmed()
    for step in (Status.SHIPPED, Status.DELIVERED):
        if (await shop.current(order)).status is not status:
            await shop.orders.update_status(order.id, step, "", "")
    return await shop.current(order)


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_paid_order_is_confirmed_and_its_stock_committed(shop: Shop) -> None:
    order = await shop.confirmed()

    assert order.status is Status.CONFIRMED
    assert shop.catalog.states[order.id] is StockState.COMMITTED
    assert [type(event) for event in shop.db.events] == [OrderPlaced, OrderConfirmed]


async def test_an_order_paid_after_its_reservation_expired_is_cancelled(shop: Shop) -> None:
    order = await shop.pending()
    shop.catalog.states[order.id] = StockState.RELEASED

    await shop.pay(order)

    assert (await shop.current(order)).cancel_reason is CancelReason.RESERVATION_EXPIRED


async def test_late_and_repeated_events_publish_nothing(shop: Shop) -> None:
    order = await shop.confirmed()
    before = list(shop.db.events)

    await shop.pay(order)
    await shop.fail_payment(order)

    assert await shop.current(order) == order
    assert shop.db.events == before


async def test_an_event_for_an_unknown_order_is_an_error(shop: Shop) -> None:
    async with shop.db.transaction() as tx:
        with pytest.raises(OrderNotFound):
            await shop.orders.payment_failed(tx, uuid4(), "card_declined")


async def test_a_refund_of_an_order_that_was_lost_in_a_restore_changes_nothing(shop: Shop) -> None:
    before = list(shop.db.events)
    async with shop.db.transaction() as tx:
        await shop.orders.payment_refunded(tx, uuid4(), Money.zero("USD"), "")
    assert shop.db.events == before


async def test_a_full_refund_cancels_the_order_and_publishes_it(shop: Shop) -> None:
    order = await shop.confirmed()

    async with shop.db.transaction() as tx:
        await shop.orders.payment_refunded(tx, order.id, order.total, "damaged")

    assert isinstance(shop.db.events[-1], OrderCancelled)
    assert (await shop.current(order)).refunded == order.total


async def test_an_owner_cancels_a_pending_or_confirmed_order(shop: Shop) -> None:
    owner = customer()
    for pays in (False, True):
        order = await shop.pending(owner)
        if pays:
            await shop.pay(order)

        cancelled = await shop.orders.cancel(owner, order.id, "changed my mind")

        assert (cancelled.status, cancelled.cancel_reason) == (Status.CANCELLED, CancelReason.CUSTOMER)
        assert cancelled.history[-1].note == "changed my mind"
        assert cancelled == await shop.current(order)
        assert shop.db.events[-1] == OrderCancelled(cancelled)


async def test_an_admin_cancels_an_order_of_another_account(shop: Shop) -> None:
    order = await shop.confirmed()

    assert (await shop.orders.cancel(admin(), order.id, "")).cancel_reason is CancelReason.ADMIN


async def test_an_admin_who_cancels_their_own_order_is_recorded_as_customer(shop: Shop) -> None:
    owner = admin()
    order = await shop.pending(owner)

    assert (await shop.orders.cancel(owner, order.id, "")).cancel_reason is CancelReason.CUSTOMER


async def test_another_accounts_order_cannot_be_cancelled(shop: Shop) -> None:
    order = await shop.pending()
    before = list(shop.db.events)

    for order_id in (order.id, uuid4()):
        with pytest.raises(OrderNotFound):
            await shop.orders.cancel(customer(), order_id, "")
    assert await shop.current(order) == order
    assert shop.db.events == before


async def test_cancelling_again_changes_and_publishes_nothing(shop: Shop) -> None:
    owner = customer()
    order = await shop.pending(owner)
    first = await shop.orders.cancel(owner, order.id, "mine")
    before = list(shop.db.events)
    shop.clock.advance(minutes=1)

    for caller in (owner, admin()):
        assert await shop.orders.cancel(caller, order.id, "theirs") == first
    assert shop.db.events == before


@pytest.mark.parametrize("status", [Status.SHIPPED, Status.DELIVERED])
async def test_a_shipped_order_is_cancelled_neither_by_its_owner_nor_by_an_admin(
    shop: Shop, status: Status
) -> None:
    order = await advanced(shop, status)
    before = list(shop.db.events)

    with pytest.raises(InvalidOrderState) as rejection:
        await shop.orders.cancel(admin(), order.id, "")

    assert rejection.value.details == {"status": status, "wanted": "CANCELLED"}
    assert await shop.current(order) == order
    assert shop.db.events == before


async def test_an_order_is_shipped_and_delivered_with_its_notes(shop: Shop) -> None:
    order = await shop.confirmed()

    shipped = await shop.orders.update_status(order.id, Status.SHIPPED, "by bike", "fragile")
    delivered = await shop.orders.update_status(order.id, Status.DELIVERED, "", "left at the door")

    assert [(change.note, change.internal_note) for change in delivered.history[2:]] == [
        ("by bike", "fragile"),
        ("", "left at the door"),
    ]
    assert shop.db.events[-2:] == [OrderShipped(shipped), OrderDelivered(delivered)]
    assert delivered == await shop.current(order)


async def test_an_update_to_the_current_status_returns_the_order_unchanged(shop: Shop) -> None:
    order = await advanced(shop, Status.SHIPPED)
    before = list(shop.db.events)

    assert await shop.orders.update_status(order.id, Status.SHIPPED, "again", "") == order
    assert shop.db.events == before


async def test_an_illegal_transition_is_rejected_with_both_statuses(shop: Shop) -> None:
    order = await shop.confirmed()

    with pytest.raises(InvalidOrderState) as rejection:
        await shop.orders.update_status(order.id, Status.DELIVERED, "", "")

    assert rejection.value.details == {"status": "CONFIRMED", "wanted": "DELIVERED"}
    assert await shop.current(order) == order


async def test_updating_an_unknown_order_is_an_error(shop: Shop) -> None:
    with pytest.raises(OrderNotFound):
        await shop.orders.update_status(uuid4(), Status.SHIPPED, "", "")


async def test_the_sweep_cancels_overdue_unpaid_orders(shop: Shop) -> None:
    late, paid = await shop.pending(), await shop.confirmed()
    shop.clock.advance(minutes=1)
    fresh = await shop.pending()
    shop.clock.advance(minutes=9)

    await shop.orders.cancel_overdue()

    assert (await shop.current(late)).cancel_reason is CancelReason.PAYMENT_TIMEOUT
    assert [(await shop.current(order)).status for order in (paid, fresh)] == [
        Status.CONFIRMED,
        Status.PENDING,
    ]
    assert isinstance(shop.db.events[-1], OrderCancelled)


async def test_the_sweep_processes_more_than_one_batch(shop: Shop) -> None:
    for _ in range(101):
        await shop.pending()
    shop.clock.advance(minutes=10)

    await shop.orders.cancel_overdue()

    assert await shop.store.count(OrderFilter(statuses=(Status.PENDING,))) == 0


async def test_an_order_is_visible_only_to_its_owner_and_to_admins(shop: Shop) -> None:
    owner = customer()
    order = await shop.pending(owner)

    assert (await shop.orders.get(owner, order.id)).id == order.id
    assert (await shop.orders.get(admin(), order.id)).id == order.id
    with pytest.raises(OrderNotFound):
        await shop.orders.get(customer(), order.id)
