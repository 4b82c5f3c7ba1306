"""What the use cases save, emit and refuse, with fakes of our own ports."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from kit.auth import Principal
from kit.db.fake import FakeDatabase
from kit.errors import FailedPrecondition, PermissionDenied
from kit.events import AdminActed
from kit.testing import FakeClock
from kit.testing.principals import admin, customer
from kit.values import ORDER, PRODUCT, Money
from order.domain import (
    CancelReason,
    Order,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPlaced,
    OrderShipped,
    Status,
    Wanted,
)
from order.errors import (
    IdempotencyConflict,
    OrderNotFound,
    OrderState,
    TooManyFailedPayments,
    TooManyPending,
    TooManyUnits,
)
from order.ports import AccountLimits, OrderFilter, StockState
from order.tests.fakes import FakeCatalog, FakeStore, purchase
from order.use_cases import Orders, Policy

POLICY = Policy(timedelta(minutes=10), 1000, AccountLimits(pending=3, failed_payments=2))


class Shop:
    """The use cases with everything around them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.db = FakeDatabase()
        self.catalog = FakeCatalog(self.clock)
        self.store = FakeStore(self.db)
        db: Any = self.db
        self.orders = Orders(db, self.store, self.catalog, POLICY, self.clock)

    async def pending(self, caller: Principal | None = None) -> Order:
        return await self.orders.place(caller or customer(), purchase())

    async def confirmed(self) -> Order:
        order = await self.pending()
        await self.pays(order)
        return await self.now(order)

    async def gone(self, status: Status) -> Order:
        order = await self.confirmed()
        for step in (Status.SHIPPED, Status.DELIVERED):
            if (await self.now(order)).status is not status:
                await self.orders.update_status(order.id, step, "", "")
        return await self.now(order)

    async def pays(self, order: Order) -> None:
        stock = await self.orders.commit_stock(order.id)
        async with self.db.transaction() as tx:
            await self.orders.payment_succeeded(tx, order.id, stock)

    async def fails(self, order: Order) -> None:
        async with self.db.transaction() as tx:
            await self.orders.payment_failed(tx, order.id, "card_declined")

    async def now(self, order: Order) -> Order:
        found = await self.store.get(order.id, None)
        assert found
        return found


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_placing_an_order_stores_it_and_tells_it(shop: Shop) -> None:
    caller = customer()

    order = await shop.orders.place(caller, purchase(2))

    assert (order.account_id, order.status, order.total) == (
        caller.account_id,
        Status.PENDING,
        Money(1998, "USD"),
    )
    assert await shop.now(order) == order
    [fact] = shop.db.events
    assert isinstance(fact, OrderPlaced)
    assert (fact.order, fact.payment_method) == (order, "pm_card_visa")
    assert fact.pay_before == shop.clock.now + timedelta(minutes=8)


async def test_the_same_key_and_input_answer_the_order_as_it_is_now(shop: Shop) -> None:
    caller = customer()
    first = await shop.orders.place(caller, purchase(key="k"))
    await shop.pays(first)

    again = await shop.orders.place(caller, purchase(key="k"))

    assert (again.id, again.status) == (first.id, Status.CONFIRMED)
    assert len(shop.catalog.states) == 1


async def test_the_same_key_with_other_input_is_a_conflict(shop: Shop) -> None:
    caller = customer()
    await shop.orders.place(caller, purchase(1, key="k"))

    with pytest.raises(IdempotencyConflict):
        await shop.orders.place(caller, purchase(2, key="k"))


async def test_a_key_belongs_to_its_caller(shop: Shop) -> None:
    orders = {(await shop.orders.place(customer(), purchase(key="k"))).id for _ in range(3)}

    assert len(orders) == 3


async def test_a_cancelled_order_is_still_what_its_key_stands_for(shop: Shop) -> None:
    caller = customer()
    first = await shop.orders.place(caller, purchase(key="k"))
    await shop.fails(first)
    await shop.catalog.release(first.id)

    again = await shop.orders.place(caller, purchase(key="k"))

    assert (again.id, again.cancel_reason) == (first.id, CancelReason.PAYMENT_FAILED)


async def test_a_reservation_that_ended_before_its_order_was_stored_is_started_anew(shop: Shop) -> None:
    """The first call died after it had reserved; its reservation expired; then the caller repeats."""
    caller = customer()
    lost = ORDER.derive(str(caller.account_id), "k")
    shop.catalog.states[lost] = StockState.RELEASED

    order = await shop.orders.place(caller, purchase(key="k"))

    assert order.id != lost
    assert shop.catalog.states == {lost: StockState.RELEASED, order.id: StockState.HELD}
    assert (await shop.orders.place(caller, purchase(key="k"))).id == order.id


async def test_a_reservation_with_no_time_left_to_pay_is_given_back_and_started_anew(shop: Shop) -> None:
    """The first call died after it had reserved; the caller repeats shortly before the reservation ends."""
    caller = customer()
    lost = ORDER.derive(str(caller.account_id), "k")
    await shop.catalog.reserve(lost, purchase(key="k"))
    shop.clock.advance(minutes=13)

    order = await shop.orders.place(caller, purchase(key="k"))

    assert shop.catalog.states == {lost: StockState.RELEASED, order.id: StockState.HELD}
    assert order.deadline == shop.clock.now + timedelta(minutes=10)
    assert (await shop.orders.place(caller, purchase(key="k"))).id == order.id


async def test_a_reservation_with_time_left_is_taken_up_and_its_order_ends_with_it(shop: Shop) -> None:
    caller = customer()
    lost = ORDER.derive(str(caller.account_id), "k")
    await shop.catalog.reserve(lost, purchase(key="k"))
    shop.clock.advance(minutes=12)

    order = await shop.orders.place(caller, purchase(key="k"))

    assert order.id == lost
    assert order.deadline == shop.catalog.expires[lost]


async def test_a_pending_order_keeps_its_stock_when_it_is_repeated_at_its_end(shop: Shop) -> None:
    caller = customer()
    order = await shop.orders.place(caller, purchase(key="k"))
    shop.clock.advance(minutes=14)

    assert (await shop.orders.place(caller, purchase(key="k"))).id == order.id
    assert shop.catalog.states == {order.id: StockState.HELD}


async def test_of_two_that_start_anew_at_once_one_gives_its_stock_back(shop: Shop) -> None:
    caller = customer()
    lost = ORDER.derive(str(caller.account_id), "k")
    shop.catalog.states[lost] = StockState.RELEASED
    winner = await shop.orders.place(caller, purchase(key="k"))
    blind = shop.store.find_request
    asked = 0

    async def find_request(caller_id: Any, request_id: str) -> Any:
        nonlocal asked
        asked += 1
        return None if asked == 1 else await blind(caller_id, request_id)

    shop.store.find_request = find_request  # type: ignore[method-assign]

    assert (await shop.orders.place(caller, purchase(key="k"))).id == winner.id
    assert sorted(shop.catalog.states.values()) == ["HELD", "RELEASED", "RELEASED"]


async def test_what_the_catalog_refuses_is_passed_on_and_leaves_the_key_free(shop: Shop) -> None:
    caller = customer()
    shop.catalog.refuses = FailedPrecondition("too little", reason="OUT_OF_STOCK")
    with pytest.raises(FailedPrecondition, match="too little"):
        await shop.orders.place(caller, purchase(1, key="k"))
    shop.catalog.refuses = None

    assert (await shop.orders.place(caller, purchase(2, key="k"))).status is Status.PENDING
    assert len(shop.db.events) == 1


async def test_ordering_for_somebody_else_needs_an_admin(shop: Shop) -> None:
    other = uuid4()

    with pytest.raises(PermissionDenied):
        await shop.orders.place(customer(), purchase(account_id=other))
    assert (await shop.orders.place(admin(), purchase(account_id=other))).account_id == other


async def test_an_order_for_somebody_else_is_told_to_the_audit_log_once_and_with_it(shop: Shop) -> None:
    boss, wanted = admin(), purchase(key="k", account_id=uuid4())

    order = await shop.orders.place(boss, wanted, address="10.1.2.3")
    assert shop.db.commits == 1
    assert await shop.orders.place(boss, wanted) == order

    placed, acted = shop.db.events
    assert isinstance(placed, OrderPlaced)
    assert acted == AdminActed.by(boss, "order.place_order", ORDER.format(order.id), "10.1.2.3")


async def test_unpaid_orders_of_an_account_are_limited_and_refusals_hold_no_stock(shop: Shop) -> None:
    caller = customer()
    for _ in range(3):
        await shop.pending(caller)

    with pytest.raises(TooManyPending) as refusal:
        await shop.pending(caller)

    assert refusal.value.details == {"retry_after": 60}
    assert sorted(shop.catalog.states.values()) == ["HELD", "HELD", "HELD", "RELEASED"]
    assert (await shop.pending(customer())).status is Status.PENDING


async def test_at_the_limit_a_repeat_still_answers_its_order(shop: Shop) -> None:
    caller = customer()
    first = await shop.orders.place(caller, purchase(key="k"))
    for _ in range(2):
        await shop.pending(caller)

    assert (await shop.orders.place(caller, purchase(key="k"))).id == first.id
    assert shop.catalog.states[first.id] is StockState.HELD


async def test_failed_payments_within_an_hour_are_limited(shop: Shop) -> None:
    caller = customer()
    for _ in range(2):
        await shop.fails(await shop.pending(caller))

    with pytest.raises(TooManyFailedPayments):
        await shop.pending(caller)
    shop.clock.advance(hours=1)
    assert (await shop.pending(caller)).status is Status.PENDING


async def test_units_of_one_product_are_limited(shop: Shop) -> None:
    wanted = (Wanted(PRODUCT.new(), 1, 0), Wanted(PRODUCT.new(), 1001, 3))

    with pytest.raises(TooManyUnits) as refusal:
        await shop.orders.place(customer(), replace(purchase(), wanted=wanted))
    assert [fault.path for fault in refusal.value.fields] == [("products", 3, "quantity")]
    assert not shop.catalog.states


async def test_a_paid_order_is_confirmed_and_its_stock_sold(shop: Shop) -> None:
    order = await shop.confirmed()

    assert order.status is Status.CONFIRMED
    assert shop.catalog.states[order.id] is StockState.COMMITTED
    assert [type(fact) for fact in shop.db.events] == [OrderPlaced, OrderConfirmed]


async def test_paid_after_the_reservation_expired_is_cancelled(shop: Shop) -> None:
    order = await shop.pending()
    shop.catalog.states[order.id] = StockState.RELEASED

    await shop.pays(order)

    assert (await shop.now(order)).cancel_reason is CancelReason.RESERVATION_EXPIRED


async def test_facts_that_come_late_or_twice_tell_nothing(shop: Shop) -> None:
    order = await shop.confirmed()
    told = list(shop.db.events)

    await shop.pays(order)
    await shop.fails(order)

    assert await shop.now(order) == order
    assert shop.db.events == told


async def test_a_fact_about_an_unknown_order_is_an_error(shop: Shop) -> None:
    async with shop.db.transaction() as tx:
        with pytest.raises(OrderNotFound):
            await shop.orders.payment_failed(tx, uuid4(), "card_declined")


async def test_a_whole_refund_cancels_and_tells(shop: Shop) -> None:
    order = await shop.confirmed()

    async with shop.db.transaction() as tx:
        await shop.orders.payment_refunded(tx, order.id, order.total, "damaged")

    assert isinstance(shop.db.events[-1], OrderCancelled)
    assert (await shop.now(order)).refunded == order.total


async def test_an_owner_cancels_what_is_pending_or_confirmed(shop: Shop) -> None:
    owner = customer()
    for pays in (False, True):
        order = await shop.pending(owner)
        if pays:
            await shop.pays(order)

        cancelled = await shop.orders.cancel(owner, order.id, "changed my mind")

        assert (cancelled.status, cancelled.cancel_reason) == (Status.CANCELLED, CancelReason.CUSTOMER)
        assert cancelled.history[-1].note == "changed my mind"
        assert cancelled == await shop.now(order)
        assert shop.db.events[-1] == OrderCancelled(cancelled)


async def test_an_admin_cancels_anybodys_and_is_named_as_such(shop: Shop) -> None:
    order = await shop.confirmed()

    assert (await shop.orders.cancel(admin(), order.id, "")).cancel_reason is CancelReason.ADMIN


async def test_an_admin_who_cancels_their_own_is_a_customer(shop: Shop) -> None:
    owner = admin()
    order = await shop.pending(owner)

    assert (await shop.orders.cancel(owner, order.id, "")).cancel_reason is CancelReason.CUSTOMER


async def test_what_is_not_yours_is_not_there_to_cancel(shop: Shop) -> None:
    order = await shop.pending()
    told = list(shop.db.events)

    for order_id in (order.id, uuid4()):
        with pytest.raises(OrderNotFound):
            await shop.orders.cancel(customer(), order_id, "")
    assert await shop.now(order) == order
    assert shop.db.events == told


async def test_cancelling_again_changes_and_tells_nothing(shop: Shop) -> None:
    owner = customer()
    order = await shop.pending(owner)
    first = await shop.orders.cancel(owner, order.id, "mine")
    told = list(shop.db.events)
    shop.clock.advance(minutes=1)

    for caller in (owner, admin()):
        assert await shop.orders.cancel(caller, order.id, "theirs") == first
    assert shop.db.events == told


@pytest.mark.parametrize("status", [Status.SHIPPED, Status.DELIVERED])
async def test_what_went_out_is_not_cancelled_by_anybody(shop: Shop, status: Status) -> None:
    order = await shop.gone(status)
    told = list(shop.db.events)

    with pytest.raises(OrderState) as refusal:
        await shop.orders.cancel(admin(), order.id, "")

    assert refusal.value.details == {"status": status, "wanted": "CANCELLED"}
    assert await shop.now(order) == order
    assert shop.db.events == told


async def test_an_order_is_shipped_and_delivered_with_its_notes(shop: Shop) -> None:
    order = await shop.confirmed()

    shipped = await shop.orders.update_status(order.id, Status.SHIPPED, "by bike", "fragile")
    delivered = await shop.orders.update_status(order.id, Status.DELIVERED, "", "left at the door")

    assert [(step.note, step.internal_note) for step in delivered.history[2:]] == [
        ("by bike", "fragile"),
        ("", "left at the door"),
    ]
    assert shop.db.events[-2:] == [OrderShipped(shipped), OrderDelivered(delivered)]
    assert delivered == await shop.now(order)


async def test_the_status_it_has_already_is_answered_unchanged(shop: Shop) -> None:
    order = await shop.gone(Status.SHIPPED)
    told = list(shop.db.events)

    assert await shop.orders.update_status(order.id, Status.SHIPPED, "again", "") == order
    assert shop.db.events == told


async def test_where_no_way_leads_is_refused_with_both_statuses(shop: Shop) -> None:
    order = await shop.confirmed()

    with pytest.raises(OrderState) as refusal:
        await shop.orders.update_status(order.id, Status.DELIVERED, "", "")

    assert refusal.value.details == {"status": "CONFIRMED", "wanted": "DELIVERED"}
    assert await shop.now(order) == order


async def test_an_unknown_order_goes_nowhere(shop: Shop) -> None:
    with pytest.raises(OrderNotFound):
        await shop.orders.update_status(uuid4(), Status.SHIPPED, "", "")


async def test_the_sweep_cancels_what_nobody_paid(shop: Shop) -> None:
    late, paid = await shop.pending(), await shop.confirmed()
    shop.clock.advance(minutes=1)
    fresh = await shop.pending()
    shop.clock.advance(minutes=9)

    await shop.orders.cancel_overdue()

    assert (await shop.now(late)).cancel_reason is CancelReason.PAYMENT_TIMEOUT
    assert [(await shop.now(order)).status for order in (paid, fresh)] == [Status.CONFIRMED, Status.PENDING]
    assert isinstance(shop.db.events[-1], OrderCancelled)


async def test_the_sweep_takes_more_than_one_piece(shop: Shop) -> None:
    for _ in range(101):
        await shop.pending()
    shop.clock.advance(minutes=10)

    await shop.orders.cancel_overdue()

    assert await shop.store.count(OrderFilter(statuses=(Status.PENDING,))) == 0


async def test_an_order_is_shown_to_its_owner_and_to_an_admin_only(shop: Shop) -> None:
    owner = customer()
    order = await shop.pending(owner)

    assert (await shop.orders.get(owner, order.id)).id == order.id
    assert (await shop.orders.get(admin(), order.id)).id == order.id
    with pytest.raises(OrderNotFound):
        await shop.orders.get(customer(), order.id)


async def test_pages_follow_each_other_without_gap_or_repeat(shop: Shop) -> None:
    made = [(await shop.pending()).id for _ in range(5)]
    seen, after, more = [], None, True
    while more:
        page = await shop.orders.list(OrderFilter(), after, 2, count=True)
        seen += [order.id for order in page.items]
        last = page.items[-1]
        after, more = (last.create_time, last.id), page.has_next
        assert page.total == 5

    assert sorted(seen) == sorted(made)
    assert len(seen) == 5
