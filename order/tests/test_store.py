"""The contract of OrderStore, on the fake and on PostgreSQL; and what only PostgreSQL can show: races, rollback, statements."""

import asyncio
from contextlib import suppress
from contextvars import Context
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from kit.db import Database, assert_tables_match
from kit.testing.fixtures import database_url, postgres
from kit.values import Money
from order.domain import Address, CancelReason, Order, Status
from order.events import TOPIC
from order.ports import AccountLimits, OrderFilter, Outcome
from order.store import Store
from order.tables import TABLES
from order.tests.keeping import ROOMY, Kept, ids, kept, real

__all__ = ["database_url", "kept", "postgres", "real"]


async def test_what_is_placed_is_read_back_whole(kept: Kept) -> None:
    [order] = await kept.placed()

    assert await kept.store.get(order.id, None) == order


async def test_an_order_without_an_address_is_read_back_whole(kept: Kept) -> None:
    placement = kept.placement()
    placement.fact.order.shipping_address = None
    await kept.store.place([placement], ROOMY)

    assert await kept.store.get(placement.fact.order.id, None) == placement.fact.order


async def test_an_owner_sees_only_their_own(kept: Kept) -> None:
    [order] = await kept.placed()

    assert await kept.store.get(order.id, kept.account) is not None
    assert await kept.store.get(order.id, uuid4()) is None


async def test_many_are_placed_as_easily_as_one(kept: Kept) -> None:
    placements = [kept.placement() for _ in range(20)]

    assert await kept.store.place(placements, ROOMY) == [Outcome.WRITTEN] * 20
    assert await kept.store.count(OrderFilter(account_id=kept.account)) == 20


async def test_a_placement_is_undone_with_its_transaction(real: Kept) -> None:
    placement = real.placement()
    with suppress(LookupError):
        async with real.db.transaction() as tx:
            assert await real.store.place([placement], ROOMY, tx) == [Outcome.WRITTEN]
            raise LookupError

    assert await real.store.get(placement.fact.order.id, None) is None
    assert await real.db.fetchval("SELECT count(*) FROM outbox") == 0


async def test_an_accounts_open_orders_are_those_that_have_not_ended(kept: Kept) -> None:
    pending, paid = await kept.placed(2)
    await kept.cancelled()
    await kept.placed(account=uuid4())
    await kept.change(paid, lambda found: found.payment_succeeded(True, kept.clock.now))

    async with kept.db.transaction() as tx:
        found = await kept.store.lock_open(tx, kept.account)
    assert sorted(order.status for order in found) == [Status.CONFIRMED, Status.PENDING]
    assert set(ids(found)) == {pending.id, paid.id}


async def test_a_deleted_accounts_orders_keep_the_country_and_tell_no_more_of_who_it_was(kept: Kept) -> None:
    cancelled, declined = await kept.placed(2)
    await kept.change(
        cancelled, lambda found: found.cancel(CancelReason.CUSTOMER, kept.clock.now, "I am John Doe")
    )
    await kept.change(declined, lambda found: found.payment_failed("card_declined", kept.clock.now))
    [other] = await kept.placed(account=uuid4())

    async with kept.db.transaction() as tx:
        await kept.store.forget_person(tx, kept.account)

    left = await kept.store.get(cancelled.id, None)
    assert left
    assert left.shipping_address == Address("", "", "", "", "", "", "CH")
    assert (left.status_reason, [step.note for step in left.history], left.version) == ("", ["", ""], 2)
    kept_reason = await kept.store.get(declined.id, None)
    assert kept_reason
    assert (kept_reason.status_reason, kept_reason.history[-1].note) == ("card_declined", "card_declined")
    assert await kept.store.get(other.id, None) == other


async def test_an_account_that_is_gone_is_found_while_it_has_orders_that_are_not_forgotten(
    kept: Kept,
) -> None:
    now = kept.clock.now
    await kept.placed()
    async with kept.db.transaction() as tx:
        await kept.store.note_closed(tx, kept.account, now)
        await kept.store.note_closed(tx, kept.account, now + timedelta(hours=1))
        await kept.store.note_closed(tx, uuid4(), now)
    assert await kept.store.closed_with_orders(now) == [kept.account]
    assert not await kept.store.closed_with_orders(now + timedelta(seconds=1))

    async with kept.db.transaction() as tx:
        await kept.store.forget_person(tx, kept.account)
        for order in await kept.store.lock_open(tx, kept.account):
            order.account_deleted(now)
            await kept.store.save(tx, [order])
    assert not await kept.store.closed_with_orders(now)


async def test_a_key_is_taken_once_whatever_the_id(kept: Kept) -> None:
    first, second = kept.placement(key="k"), kept.placement(key="k")

    assert await kept.store.place([first], ROOMY) == [Outcome.WRITTEN]
    assert await kept.store.place([second], ROOMY) == [Outcome.TAKEN]
    stored = await kept.store.find_request(kept.account, "k")
    assert stored
    assert (stored.order, stored.input_hash) == (first.fact.order, first.purchase.input_hash)


async def test_in_one_piece_a_key_and_an_id_are_taken_once(kept: Kept) -> None:
    one = kept.placement(key="k")
    pieces = [one, kept.placement(key="k"), kept.placement(order_id=one.fact.order.id), kept.placement()]

    outcomes = await kept.store.place(pieces, ROOMY)

    assert outcomes == [Outcome.WRITTEN, Outcome.TAKEN, Outcome.TAKEN, Outcome.WRITTEN]


async def test_the_same_key_of_another_caller_is_another_key(kept: Kept) -> None:
    theirs = kept.placement(key="k", account=uuid4())

    assert await kept.store.place([kept.placement(key="k"), theirs], ROOMY) == [Outcome.WRITTEN] * 2


async def test_an_unknown_key_has_no_order(kept: Kept) -> None:
    assert await kept.store.find_request(kept.account, "never") is None


async def test_orders_that_are_written_together_count_against_each_other(kept: Kept) -> None:
    wanted = [kept.placement() for _ in range(3)] + [kept.placement(account=uuid4())]

    outcomes = await kept.store.place(wanted, AccountLimits(2, 1000))

    assert sorted(outcomes, key=str) == [Outcome.TOO_MANY_PENDING] + [Outcome.WRITTEN] * 3
    assert outcomes[-1] is Outcome.WRITTEN


async def test_unpaid_orders_count_against_the_account_only(kept: Kept) -> None:
    await kept.placed(2)
    limits = AccountLimits(2, 1000)

    assert await kept.store.place([kept.placement()], limits) == [Outcome.TOO_MANY_PENDING]
    assert await kept.store.place([kept.placement(account=uuid4())], limits) == [Outcome.WRITTEN]
    assert await kept.store.count(OrderFilter(account_id=kept.account)) == 2


async def test_failed_payments_count_for_an_hour(kept: Kept) -> None:
    await kept.cancelled()
    limits = AccountLimits(1000, 1)

    assert await kept.store.place([kept.placement()], limits) == [Outcome.TOO_MANY_FAILED]
    kept.clock.advance(hours=1)
    assert await kept.store.place([kept.placement()], limits) == [Outcome.WRITTEN]


async def test_pages_are_newest_first_and_go_on_after_an_order(kept: Kept) -> None:
    orders = (await kept.placed(5))[::-1]
    mine = OrderFilter(account_id=kept.account)

    assert ids(await kept.store.page(mine, None, 2)) == ids(orders[:2])
    assert ids(await kept.store.page(mine, (orders[1].create_time, orders[1].id), 9)) == ids(orders[2:])


async def test_orders_of_one_instant_are_told_apart_by_id(kept: Kept) -> None:
    placements = [kept.placement() for _ in range(6)]
    await kept.store.place(placements, ROOMY)
    expected = sorted((p.fact.order.id for p in placements), reverse=True)

    assert (
        ids(await kept.store.page(OrderFilter(kept.account), (kept.clock.now, expected[2]), 9))
        == expected[3:]
    )


async def test_filters_narrow_pages_and_counts_alike(kept: Kept) -> None:
    failed = await kept.cancelled()
    first, second = await kept.placed(2)
    await kept.placed(account=uuid4())

    for which, expected in [
        (OrderFilter(kept.account, (Status.CANCELLED,)), [failed]),
        (OrderFilter(kept.account, (Status.PENDING, Status.CANCELLED)), [second, first, failed]),
        (OrderFilter(kept.account, created_after=first.create_time), [second, first]),
        (OrderFilter(kept.account, created_before=second.create_time), [first, failed]),
    ]:
        assert ids(await kept.store.page(which, None, 9)) == ids(expected)
        assert await kept.store.count(which) == len(expected)


async def test_what_transitions_change_is_saved_whole(kept: Kept) -> None:
    [order] = await kept.placed()

    await kept.change(order, lambda found: found.payment_succeeded(True, kept.clock.now))
    await kept.change(order, lambda found: found.ship(kept.clock.now, "by bike", "fragile"))

    order.payment_succeeded(True, kept.clock.now)
    order.ship(kept.clock.now, "by bike", "fragile")
    assert await kept.store.get(order.id, None) == order


async def test_the_overdue_are_those_pending_past_their_deadline(kept: Kept) -> None:
    await kept.cancelled()
    first, second, _ = await kept.placed(3)
    async with kept.db.transaction() as tx:
        overdue = await kept.store.lock_overdue(tx, second.deadline, 9)

    assert set(ids(overdue)) == {first.id, second.id}


async def test_an_owner_locks_only_their_own(kept: Kept) -> None:
    [order] = await kept.placed()
    async with kept.db.transaction() as tx:
        assert await kept.store.lock(tx, order.id, kept.account) == order
        assert await kept.store.lock(tx, order.id, uuid4()) is None


async def test_a_life_is_read_back_with_its_notes(kept: Kept) -> None:
    [order] = await kept.placed()
    now = kept.clock.now
    steps: list[Any] = [
        lambda o: o.payment_succeeded(True, now),
        lambda o: o.ship(now, "by bike", "fragile"),
        lambda o: o.refund(Money(1, "USD"), "", now),
        lambda o: o.deliver(now, "", "left at the door"),
    ]
    for step in steps:
        await kept.change(order, step)
        step(order)

    assert await kept.store.get(order.id, None) == order
    assert order.version == 5


async def test_a_cancellation_is_read_back_with_its_reason(kept: Kept) -> None:
    [order] = await kept.placed()
    await kept.change(order, lambda o: o.cancel(CancelReason.CUSTOMER, kept.clock.now, "changed my mind"))

    found = await kept.store.get(order.id, None)

    assert found
    assert (found.cancel_reason, found.status_reason) == (CancelReason.CUSTOMER, "changed my mind")
    assert found.history[-1].note == "changed my mind"


async def test_nothing_to_lock_is_none(kept: Kept) -> None:
    async with kept.db.transaction() as tx:
        assert await kept.store.lock(tx, uuid4()) is None
        assert await kept.store.lock_overdue(tx, kept.clock.now, 9) == []


async def test_the_tables_are_what_the_migrations_made(real: Kept) -> None:
    await assert_tables_match(real.db.url, TABLES)


async def test_fifty_at_once_with_one_key_make_one_order(real: Kept) -> None:
    placements = [real.placement(key="k") for _ in range(50)]

    outcomes = await asyncio.gather(*(real.store.place([placement], ROOMY) for placement in placements))

    assert sorted(outcome[0].value for outcome in outcomes) == ["TAKEN"] * 49 + ["WRITTEN"]
    for table, rows in [("orders", 1), ("order_lines", 2), ("order_status_changes", 1), ("outbox", 1)]:
        assert await real.db.fetchval(f"SELECT count(*) FROM {table}") == rows


async def test_an_order_that_is_not_written_leaves_nothing(real: Kept) -> None:
    broken = real.placement()
    broken.fact.order.lines = (replace(broken.fact.order.lines[0], quantity=0),)

    with pytest.raises(Exception, match="order_lines_quantity_check"):
        await real.store.place([real.placement(), broken], ROOMY)

    for table in ("orders", "order_lines", "order_status_changes", "outbox"):
        assert await real.db.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_transitions_at_once_take_turns_and_lose_no_history(real: Kept) -> None:
    [order] = await real.placed()
    now = real.clock.now
    refunds = [Money(minor, "USD") for minor in (1, 2, 3, 4)]

    await asyncio.gather(
        *(real.change(order, lambda o: o.payment_succeeded(True, now)) for _ in range(4)),
        *(real.change(order, partial(Order.refund, refunded=usd, reason="", now=now)) for usd in refunds),
        real.change(order, lambda o: o.payment_failed("card_declined", now)),
    )

    found = await real.store.get(order.id, None)
    assert found
    assert found.refunded == Money(4, "USD")
    assert len(found.history) == 2
    assert found.history[-1].status is found.status
    assert await real.db.fetchval("SELECT count(*) FROM outbox") == found.version


async def test_two_sweeps_share_the_work(real: Kept) -> None:
    orders = await real.placed(4)
    async with real.db.transaction() as tx:
        first = await real.store.lock_overdue(tx, orders[-1].deadline, 2)
        # A context of its own: a task inherits the open transaction.
        second = await asyncio.create_task(_overdue(real, orders[-1]), context=Context())

    assert set(ids(first)) | set(ids(second)) == set(ids(orders))
    assert len(second) == 2


async def test_the_fact_is_in_the_outbox_under_the_orders_id(real: Kept) -> None:
    [order] = await real.placed()
    row = await real.db.fetchrow("SELECT topic, key, type FROM outbox")

    assert row["topic"] == "souk.order.v1"
    assert row["key"].startswith("ord_")
    assert row["type"] == "souk.order.v1.OrderPlaced"
    assert order.version == 1


async def test_placing_any_number_is_one_statement(real: Kept) -> None:
    statements: list[str] = []

    class Counting(Database):
        async def _statement(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
            statements.append(sql)
            return await super()._statement(method, sql, args)

    db = Counting(real.db.url, publishes=TOPIC)
    await db.open()
    await Store(db).place([real.placement() for _ in range(3)], ROOMY)
    await db.close()

    assert len(statements) == 1


async def _overdue(real: Kept, last: Order) -> list[Order]:
    async with real.db.transaction() as tx:
        return await real.store.lock_overdue(tx, last.deadline, 9)
