"""What payment's facts do, event by event, with fakes; and that the catalog is called as its contract says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from souk.account.v1 import events_pb2 as account_events
from souk.payment.v1 import events_pb2, payment_pb2

from kit.auth import Principal, Role
from kit.db.fake import FakeDatabase
from kit.errors import NotFound, Violation
from kit.events import AdminActed, Event, PreparedHandler
from kit.rpc import Server
from kit.testing import FakeClock
from kit.testing.principals import admin, customer
from kit.values import ACCOUNT, ORDER, PRODUCT, SESSION, Money, money_to_proto, utc_now
from order.consumers import AccountEvents, PaymentEvents
from order.domain import CancelReason, Order, OrderCancelled, OrderRefunded, Status, Wanted
from order.peers import Catalog
from order.ports import AccountLimits, StockState
from order.tests.edges import StockRpc
from order.tests.fakes import FakeCatalog, FakeStore, purchase
from order.use_cases import Orders, Policy

POLICY = Policy(timedelta(minutes=10), 10_000, AccountLimits(1000, 1000))


class Listening:
    """The subscription, fed by hand as kit.events does it."""

    def __init__(self) -> None:
        clock = FakeClock()
        self.db = FakeDatabase()
        self.store = FakeStore(self.db)
        self.catalog = FakeCatalog(clock)
        db: Any = self.db
        self.orders = Orders(db, self.store, self.catalog, POLICY, clock)
        heard = (PaymentEvents(self.orders).subscription(), AccountEvents(self.orders).subscription())
        self.on = {kind: reaction for each in heard for kind, reaction in each.handlers.items()}

    async def pending(self) -> Order:
        return await self.orders.place(customer(), purchase(2))

    async def hears(self, body: Any) -> None:
        event = Event(PRODUCT.new(), body.DESCRIPTOR.full_name, "pay_1", utc_now(), body, "", {})
        reaction: Any = self.on[type(body)]
        if isinstance(reaction, PreparedHandler):
            prepared = await reaction.prepare(event)
            async with self.db.transaction() as tx:
                await reaction.apply(tx, event, prepared)
        else:
            async with self.db.transaction() as tx:
                await reaction(tx, event)

    def facts(self) -> list[Any]:
        return [fact for fact in self.db.events if not isinstance(fact, AdminActed)]

    async def now(self, order: Order) -> Order:
        found = await self.store.get(order.id, None)
        assert found
        return found


def payment(order: Order, **fields: Any) -> payment_pb2.Payment:
    return payment_pb2.Payment(order_id=ORDER.format(order.id), amount=money_to_proto(order.total), **fields)


async def test_payment_succeeded_sells_the_stock_and_confirms() -> None:
    listening = Listening()
    order = await listening.pending()

    await listening.hears(events_pb2.PaymentSucceeded(payment=payment(order)))

    assert (await listening.now(order)).status is Status.CONFIRMED
    assert listening.catalog.states[order.id] is StockState.COMMITTED


async def test_payment_failed_cancels_with_its_code() -> None:
    listening = Listening()
    order = await listening.pending()

    await listening.hears(events_pb2.PaymentFailed(payment=payment(order, failure_code="card_declined")))

    cancelled = await listening.now(order)
    assert (cancelled.cancel_reason, cancelled.status_reason) == (
        CancelReason.PAYMENT_FAILED,
        "card_declined",
    )


async def test_payment_refunded_is_noted_and_a_whole_one_cancels() -> None:
    listening = Listening()
    order = await listening.pending()
    await listening.hears(events_pb2.PaymentSucceeded(payment=payment(order)))

    await listening.hears(
        events_pb2.PaymentRefunded(payment=payment(order, refunded=money_to_proto(Money(1, "USD"))))
    )
    assert (await listening.now(order)).refunded == Money(1, "USD")

    whole = payment(order, refunded=money_to_proto(order.total))
    await listening.hears(events_pb2.PaymentRefunded(payment=whole, refund={"reason": "damaged"}))
    assert ((await listening.now(order)).status, (await listening.now(order)).status_reason) == (
        "CANCELLED",
        "damaged",
    )


def refunded(order: Order, minor: int, reason: str = "") -> events_pb2.PaymentRefunded:
    so_far = payment(order, refunded=money_to_proto(Money(minor, "USD")))
    return events_pb2.PaymentRefunded(payment=so_far, refund={"reason": reason})


Story = Callable[[Order], list[Any]]
STORIES: dict[str, Story] = {
    "declined": lambda order: [
        events_pb2.PaymentFailed(payment=payment(order, failure_code="card_declined"))
    ],
    "paid": lambda order: [events_pb2.PaymentSucceeded(payment=payment(order))],
    "a part went back": lambda order: [
        events_pb2.PaymentSucceeded(payment=payment(order)),
        refunded(order, 100),
        refunded(order, 300),
    ],
    "all went back": lambda order: [
        events_pb2.PaymentSucceeded(payment=payment(order)),
        refunded(order, 100, "scratched"),
        refunded(order, order.total.minor, "damaged"),
    ],
}
BEFORE: dict[str, Callable[[Listening, Order], Awaitable[Any]]] = {
    "as placed": lambda listening, order: listening.now(order),
    "cancelled": lambda listening, order: listening.orders.cancel(admin(), order.id, "sold twice"),
}


def _end(order: Order) -> tuple[object, ...]:
    return order.status, order.cancel_reason, order.status_reason, order.refunded


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("before", BEFORE)
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_facts_in_any_order_and_five_times_each_end_at_the_same_order(
    story: str, before: str, random: Random
) -> None:
    async def end_of(times: int, shuffled: bool) -> tuple[tuple[object, ...], list[Any]]:
        listening = Listening()
        order = await listening.pending()
        await BEFORE[before](listening, order)
        facts = STORIES[story](order) * times
        if shuffled:
            random.shuffle(facts)
        for fact in facts:
            await listening.hears(fact)
        now = await listening.now(order)
        assert [fact.order.version for fact in listening.facts()] == list(range(1, now.version + 1))
        assert len({step.status for step in now.history}) == len(now.history)
        return _end(now), listening.facts()

    once, _ = asyncio.run(end_of(1, shuffled=False))
    assert asyncio.run(end_of(5, shuffled=True))[0] == once


@pytest.mark.parametrize("story", STORIES)
async def test_facts_five_times_each_tell_what_they_tell_once(story: str) -> None:
    told = []
    for times in (1, 5):
        listening = Listening()
        order = await listening.pending()
        for fact in STORIES[story](order):
            for _ in range(times):
                await listening.hears(fact)
        told.append([(type(fact), fact.order.version) for fact in listening.facts()])

    assert told[0] == told[1]


@pytest.mark.parametrize("status", [Status.SHIPPED, Status.DELIVERED])
async def test_after_shipping_a_refund_changes_the_amount_only(status: Status) -> None:
    listening = Listening()
    order = await listening.pending()
    await listening.hears(events_pb2.PaymentSucceeded(payment=payment(order)))
    for step in (Status.SHIPPED, Status.DELIVERED)[: 1 if status is Status.SHIPPED else 2]:
        await listening.orders.update_status(order.id, step, "", "")

    await listening.hears(refunded(order, order.total.minor, "damaged"))

    now = await listening.now(order)
    assert _end(now) == (status, None, "", order.total)
    assert listening.catalog.states[order.id] is StockState.COMMITTED
    assert isinstance(listening.facts()[-1], OrderRefunded)


@pytest.mark.parametrize("state", [StockState.RELEASED, StockState.RETURNED, StockState.NONE])
async def test_paid_after_its_reservation_ended_is_cancelled_and_the_money_follows(state: StockState) -> None:
    listening = Listening()
    order = await listening.pending()
    if state is StockState.NONE:
        del listening.catalog.states[order.id]
    else:
        listening.catalog.states[order.id] = state
    paid = events_pb2.PaymentSucceeded(payment=payment(order))

    for _ in range(5):
        await listening.hears(paid)
    for fact in (refunded(order, order.total.minor, "order cancelled"), paid) * 5:
        await listening.hears(fact)

    assert _end(await listening.now(order)) == (
        Status.CANCELLED,
        CancelReason.RESERVATION_EXPIRED,
        "",
        order.total,
    )
    assert [type(fact) for fact in listening.facts()[1:]] == [OrderCancelled, OrderRefunded]


@pytest.fixture
async def peer() -> AsyncIterator[tuple[StockRpc, Catalog]]:
    rpc = StockRpc()
    server = Server([rpc], host="127.0.0.1", port=0)
    await server.start()
    catalog = Catalog(f"127.0.0.1:{server.port}")
    await catalog.open()
    yield rpc, catalog
    await catalog.close()
    await server.stop(0)


async def test_the_catalog_is_asked_for_each_product_and_the_total_that_the_buyer_saw(
    peer: tuple[StockRpc, Catalog],
) -> None:
    rpc, catalog = peer
    order_id = ORDER.new()

    reservation = await catalog.reserve(order_id, replace(purchase(2), expected_total="19.98"))

    assert (rpc.asked[0].order_id, rpc.asked[0].expected_total) == (ORDER.format(order_id), "19.98")
    assert reservation.state is StockState.HELD
    assert reservation.lines[0].total == Money(1998, "USD")
    assert reservation.expire_time == rpc.expire_time


async def test_a_refused_product_is_named_by_the_line_that_the_caller_sent(
    peer: tuple[StockRpc, Catalog],
) -> None:
    rpc, catalog = peer
    rpc.refuses = NotFound(
        "gone", reason="PRODUCT_NOT_FOUND", fields=[Violation(("products", 1, "id"), "no such product")]
    )
    wanted = (Wanted(PRODUCT.new(), 1, 0), Wanted(PRODUCT.new(), 1, 4))

    with pytest.raises(NotFound) as refusal:
        await catalog.reserve(ORDER.new(), replace(purchase(), wanted=wanted))

    assert [fault.path for fault in refusal.value.fields] == [("products", 4, "id")]
    assert refusal.value.reason == "PRODUCT_NOT_FOUND"


async def test_commit_and_release_answer_the_state(peer: tuple[StockRpc, Catalog]) -> None:
    _, catalog = peer

    assert await catalog.commit(ORDER.new()) is StockState.COMMITTED
    assert await catalog.release(ORDER.new()) is StockState.RETURNED


async def test_account_deleted_cancels_what_slipped_through() -> None:
    listening = Listening()
    waiting = await listening.pending()
    paid = await listening.orders.place(Principal(waiting.account_id, Role.USER, SESSION.new()), purchase(1))
    await listening.hears(events_pb2.PaymentSucceeded(payment=payment(paid)))
    another = await listening.pending()

    for _ in range(2):
        deleted = account_events.AccountDeleted(account_id=ACCOUNT.format(waiting.account_id))
        await listening.hears(deleted)

    for order in (waiting, paid):
        assert (await listening.now(order)).cancel_reason is CancelReason.ACCOUNT_DELETED
    assert (await listening.now(another)).status is Status.PENDING
    assert sum(isinstance(fact, OrderCancelled) for fact in listening.facts()) == 2


async def test_what_a_deleted_account_still_placed_is_cancelled_by_the_sweep() -> None:
    listening = Listening()
    buyer = customer()
    deleted = account_events.AccountDeleted(account_id=ACCOUNT.format(buyer.account_id))
    await listening.hears(deleted)
    late = await listening.orders.place(buyer, purchase(1))
    other = await listening.pending()

    await listening.orders.close_late()

    assert (await listening.now(late)).cancel_reason is CancelReason.ACCOUNT_DELETED
    assert (await listening.now(other)).status is Status.PENDING
