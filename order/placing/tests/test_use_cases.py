"""Placing orders, on fakes: idempotency, reservations, limits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from kit.errors import FailedPrecondition, IdempotencyConflict, PermissionDenied
from kit.events import AdminActed
from kit.testing.principals import admin, customer, guest
from kit.values import ORDER, PRODUCT, Money
from order.orders.domain import CancelReason, OrderPlaced, Status
from order.orders.ports import StockState
from order.placing.errors import TooManyFailedPayments, TooManyPending, TooManyUnits
from order.placing.use_cases import Policy
from order.tests.fakes import place_order
from order.tests.shop import Shop
from order.writing.domain import AccountLimits

POLICY = Policy(timedelta(minutes=10), 1000, AccountLimits(pending=3, failed_payments=2), "secret")


@pytest.fixture
def shop() -> Shop:
    return Shop(POLICY)


async def test_placing_an_order_stores_and_publishes_it(shop: Shop) -> None:
    caller = customer()

    order = await shop.place(caller, 2)

    assert (order.account_id, order.status, order.total) == (
        caller.account_id,
        Status.PENDING,
        Money(1998, "USD"),
    )
    assert await shop.current(order) == order
    [event] = shop.db.events
    assert isinstance(event, OrderPlaced)
    assert (event.order, event.payment_method) == (order, "pm_card_visa")
    assert event.pay_before == shop.clock.now + timedelta(minutes=8)


async def test_the_same_key_and_input_return_the_current_order(shop: Shop) -> None:
    caller = customer()
    first = await shop.place(caller, key="k")
    await shop.pay(first)

    again = await shop.place(caller, key="k")

    assert (again.id, again.status) == (first.id, Status.CONFIRMED)
    assert len(shop.catalog.states) == 1


async def test_the_same_key_with_different_input_is_a_conflict(shop: Shop) -> None:
    caller = customer()
    await shop.place(caller, 1, key="k")

    with pytest.raises(IdempotencyConflict):
        await shop.place(caller, 2, key="k")


async def test_a_key_belongs_to_its_caller(shop: Shop) -> None:
    orders = {(await shop.place(customer(), key="k")).id for _ in range(3)}

    assert len(orders) == 3


async def test_a_cancelled_order_is_still_returned_for_its_key(shop: Shop) -> None:
    caller = customer()
    first = await shop.place(caller, key="k")
    await shop.fail_payment(first)
    await shop.catalog.release(first.id)

    again = await shop.place(caller, key="k")

    assert (again.id, again.cancel_reason) == (first.id, CancelReason.PAYMENT_FAILED)


async def test_an_expired_reservation_without_an_order_is_replaced(shop: Shop) -> None:
    """The first call crashed after it had reserved stock; the reservation expired; then the caller retries."""
    caller = customer()
    first_id = ORDER.derive(str(caller.account_id), "k")
    shop.catalog.states[first_id] = StockState.RELEASED

    order = await shop.place(caller, key="k")

    assert order.id != first_id
    assert shop.catalog.states == {first_id: StockState.RELEASED, order.id: StockState.HELD}
    assert (await shop.place(caller, key="k")).id == order.id


async def test_a_reservation_with_no_time_left_to_pay_is_released_and_replaced(shop: Shop) -> None:
    """The first call crashed after it had reserved stock; the caller retries shortly before the reservation expires."""
    caller = customer()
    first_id = ORDER.derive(str(caller.account_id), "k")
    await shop.catalog.reserve(first_id, place_order(caller.account_id, key="k"))
    shop.clock.advance(minutes=13)

    order = await shop.place(caller, key="k")

    assert shop.catalog.states == {first_id: StockState.RELEASED, order.id: StockState.HELD}
    assert order.deadline == shop.clock.now + timedelta(minutes=10)
    assert (await shop.place(caller, key="k")).id == order.id


async def test_a_reservation_with_time_left_is_reused_and_sets_the_deadline(shop: Shop) -> None:
    caller = customer()
    first_id = ORDER.derive(str(caller.account_id), "k")
    await shop.catalog.reserve(first_id, place_order(caller.account_id, key="k"))
    shop.clock.advance(minutes=12)

    order = await shop.place(caller, key="k")

    assert order.id == first_id
    assert order.deadline == shop.catalog.expires[first_id]


async def test_a_retry_near_the_deadline_does_not_release_the_stock_of_a_pending_order(shop: Shop) -> None:
    caller = customer()
    order = await shop.place(caller, key="k")
    shop.clock.advance(minutes=14)

    assert (await shop.place(caller, key="k")).id == order.id
    assert shop.catalog.states == {order.id: StockState.HELD}


async def test_of_two_concurrent_retries_with_a_new_id_one_releases_its_stock(shop: Shop) -> None:
    caller = customer()
    first_id = ORDER.derive(str(caller.account_id), "k")
    shop.catalog.states[first_id] = StockState.RELEASED
    winner = await shop.place(caller, key="k")
    find = shop.store.find_by_key
    calls = 0

    async def find_by_key(caller_id: Any, request_id: str) -> Any:
        nonlocal calls
        calls += 1
        return None if calls == 1 else await find(caller_id, request_id)

    shop.store.find_by_key = find_by_key  # type: ignore[method-assign]

    assert (await shop.place(caller, key="k")).id == winner.id
    assert sorted(shop.catalog.states.values()) == ["HELD", "RELEASED", "RELEASED"]


async def test_an_error_of_the_catalog_is_passed_on_and_leaves_the_key_free(shop: Shop) -> None:
    caller = customer()
    shop.catalog.rejection = FailedPrecondition("too little", reason="OUT_OF_STOCK")
    with pytest.raises(FailedPrecondition, match="too little"):
        await shop.place(caller, 1, key="k")
    shop.catalog.rejection = None

    assert (await shop.place(caller, 2, key="k")).status is Status.PENDING
    assert len(shop.db.events) == 1


async def test_placing_an_order_for_another_account_requires_an_admin(shop: Shop) -> None:
    other = uuid4()

    with pytest.raises(PermissionDenied):
        await shop.place(customer(), account_id=other)
    assert (await shop.place(admin(), account_id=other)).account_id == other


async def test_an_order_for_another_account_is_published_to_the_audit_log_once(shop: Shop) -> None:
    caller, account_id = admin(), uuid4()

    order = await shop.place(caller, key="k", account_id=account_id, address="10.1.2.3")
    assert shop.db.commits == 1
    assert await shop.place(caller, key="k", account_id=account_id) == order

    placed, acted = shop.db.events
    assert isinstance(placed, OrderPlaced)
    assert acted == AdminActed.by(caller, "order.place_order", ORDER.format(order.id), "10.1.2.3")


async def test_unpaid_orders_of_an_account_are_limited_and_rejected_orders_hold_no_stock(shop: Shop) -> None:
    caller = customer()
    for _ in range(3):
        await shop.pending(caller)

    with pytest.raises(TooManyPending) as rejection:
        await shop.pending(caller)

    assert rejection.value.details == {"retry_after": 60}
    assert sorted(shop.catalog.states.values()) == ["HELD", "HELD", "HELD", "RELEASED"]
    assert (await shop.pending(customer())).status is Status.PENDING


async def test_at_the_limit_a_retry_still_returns_its_order(shop: Shop) -> None:
    caller = customer()
    first = await shop.place(caller, key="k")
    for _ in range(2):
        await shop.pending(caller)

    assert (await shop.place(caller, key="k")).id == first.id
    assert shop.catalog.states[first.id] is StockState.HELD


async def test_failed_payments_within_an_hour_are_limited(shop: Shop) -> None:
    caller = customer()
    for _ in range(2):
        await shop.fail_payment(await shop.pending(caller))

    with pytest.raises(TooManyFailedPayments):
        await shop.pending(caller)
    shop.clock.advance(hours=1)
    assert (await shop.pending(caller)).status is Status.PENDING


async def test_units_of_one_product_are_limited(shop: Shop) -> None:
    caller = customer()
    command = replace(
        place_order(caller.account_id),
        quantities={PRODUCT.new(): 1, PRODUCT.new(): 1001},
        first_lines=(0, 3),
    )

    with pytest.raises(TooManyUnits) as rejection:
        await shop.placing.place(caller, command)
    assert [fault.path for fault in rejection.value.fields] == [("products", 3, "quantity")]
    assert not shop.catalog.states


async def test_a_guest_has_two_unpaid_orders_at_a_time(shop: Shop) -> None:
    caller = guest()
    first = await shop.place(caller, address="192.0.2.1")
    await shop.place(caller, address="192.0.2.1")

    with pytest.raises(TooManyPending):
        await shop.place(caller, address="192.0.2.2")

    await shop.fail_payment(first)
    assert await shop.place(caller, address="192.0.2.1")


async def test_the_network_of_a_guest_cannot_be_found_by_trying_all_networks() -> None:
    stored = []
    for secret in ("one", "one", "another"):
        shop = Shop(replace(POLICY, network_secret=secret))
        await shop.place(guest(), address="192.0.2.1")
        await shop.place(customer(), address="192.0.2.1")
        placed = [event.order for event in shop.db.events if isinstance(event, OrderPlaced)]
        assert [order.placed_by_guest for order in placed] == [True, False]
        network, of_account = shop.store.guest_networks
        assert of_account is None
        stored.append(network)

    first, again, keyed_differently = stored
    assert first == again != keyed_differently
