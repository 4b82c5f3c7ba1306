"""The contract of NewOrderStore, on the fake and on PostgreSQL; races and rollback on PostgreSQL."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.db import Database
from kit.testing.fixtures import database_url, postgres
from kit.values import utc_now
from order.listing.ports import OrderFilter
from order.orders.domain import CancelReason, Order, OrderCancelled
from order.orders.events import TOPIC
from order.tests.fakes import place_order
from order.tests.store_contract import NO_LIMITS, StoreHarness, harness, postgres_harness
from order.writing.domain import AccountLimits, CartVersion
from order.writing.ports import NewOrder, Outcome
from order.writing.retention import failed_payment_retention
from order.writing.store import PostgresNewOrderStore

__all__ = ["database_url", "harness", "postgres", "postgres_harness"]

GUEST = uuid4()
_OPEN_CART = """
INSERT INTO carts (id, account_id, state, currency, version, note, create_time, update_time, expire_time)
VALUES ($1, $2, 'OPEN', 'USD', 2, '', now(), now(), now())
"""


def end_unpaid(order: Order, reason: CancelReason, now: datetime) -> OrderCancelled | None:
    return (
        order.payment_failed("", now) if reason is CancelReason.PAYMENT_FAILED else order.cancel(reason, now)
    )


async def test_many_orders_are_placed_at_once(harness: StoreHarness) -> None:
    new_orders = [harness.new_order() for _ in range(20)]

    assert await harness.placing.place(new_orders, NO_LIMITS) == [Outcome.WRITTEN] * 20
    assert await harness.listing.count(OrderFilter(account_id=harness.account)) == 20


async def test_numbers_are_taken_once_by_any_number_of_replicas(harness: StoreHarness) -> None:
    blocks = await asyncio.gather(*[harness.placing.take_numbers(50) for _ in range(4)])

    taken = [number for block in blocks for number in block]
    assert len({*taken}) == 200
    assert min(taken) == 1001


async def test_a_placed_order_is_rolled_back_with_its_transaction(postgres_harness: StoreHarness) -> None:
    new = postgres_harness.new_order()
    with suppress(LookupError):
        async with postgres_harness.db.transaction() as tx:
            assert await postgres_harness.placing.place([new], NO_LIMITS, tx) == [Outcome.WRITTEN]
            raise LookupError

    assert await postgres_harness.store.get(new.event.order.id, None) is None
    assert await postgres_harness.db.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.parametrize("in_transaction", [False, True])
async def test_the_relay_is_woken_when_an_order_was_committed(
    postgres_harness: StoreHarness, in_transaction: bool
) -> None:
    woken: list[bool] = []
    postgres_harness.db.on_emitted(lambda: woken.append(True))

    if in_transaction:
        async with postgres_harness.db.transaction() as tx:
            await postgres_harness.placing.place([postgres_harness.new_order()], NO_LIMITS, tx)
            assert not woken
    else:
        await postgres_harness.placing.place([postgres_harness.new_order()], NO_LIMITS)

    assert woken == [True]


async def test_a_key_is_used_once_even_with_different_ids(harness: StoreHarness) -> None:
    first, second = harness.new_order(key="k"), harness.new_order(key="k")

    assert await harness.placing.place([first], NO_LIMITS) == [Outcome.WRITTEN]
    assert await harness.placing.place([second], NO_LIMITS) == [Outcome.DUPLICATE]
    stored = await harness.placing.find_by_key(harness.account, "k")
    assert stored
    assert (stored.order, stored.input_hash) == (first.event.order, first.command.input_hash)


async def test_a_key_and_an_id_are_used_once_within_a_batch(harness: StoreHarness) -> None:
    one = harness.new_order(key="k")
    batch = [
        one,
        harness.new_order(key="k"),
        harness.new_order(order_id=one.event.order.id),
        harness.new_order(),
    ]

    outcomes = await harness.placing.place(batch, NO_LIMITS)

    assert outcomes == [Outcome.WRITTEN, Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.WRITTEN]


async def test_the_same_key_of_another_caller_is_a_different_key(harness: StoreHarness) -> None:
    theirs = harness.new_order(key="k", account=uuid4())

    assert (
        await harness.placing.place([harness.new_order(key="k"), theirs], NO_LIMITS) == [Outcome.WRITTEN] * 2
    )


async def test_an_unknown_key_has_no_order(harness: StoreHarness) -> None:
    assert await harness.placing.find_by_key(harness.account, "never") is None


async def test_orders_of_one_batch_count_towards_the_limit(harness: StoreHarness) -> None:
    new_orders = [harness.new_order() for _ in range(3)] + [harness.new_order(account=uuid4())]

    outcomes = await harness.placing.place(new_orders, AccountLimits(2, 1000))

    assert sorted(outcomes, key=str) == [Outcome.TOO_MANY_PENDING] + [Outcome.WRITTEN] * 3
    assert outcomes[-1] is Outcome.WRITTEN


async def test_unpaid_orders_count_only_towards_their_accounts_limit(harness: StoreHarness) -> None:
    await harness.place(2)
    limits = AccountLimits(2, 1000)

    assert await harness.placing.place([harness.new_order()], limits) == [Outcome.TOO_MANY_PENDING]
    assert await harness.placing.place([harness.new_order(account=uuid4())], limits) == [Outcome.WRITTEN]
    assert await harness.listing.count(OrderFilter(account_id=harness.account)) == 2


@pytest.mark.parametrize("reason", [CancelReason.PAYMENT_FAILED, CancelReason.CUSTOMER])
async def test_failed_payments_count_towards_the_limit_for_an_hour(
    harness: StoreHarness, reason: CancelReason
) -> None:
    """So do unpaid orders that their buyers cancel: the page may try ten cards before the payment fails."""
    paid, unpaid = await harness.place(2)
    await harness.change(paid, lambda stored: stored.payment_succeeded(True, harness.clock.now))
    await harness.change(paid, lambda stored: stored.cancel(CancelReason.CUSTOMER, harness.clock.now))
    limits = AccountLimits(1000, 1)
    assert await harness.placing.place([harness.new_order()], limits) == [Outcome.WRITTEN]
    await harness.change(unpaid, lambda stored: end_unpaid(stored, reason, harness.clock.now))

    assert await harness.placing.place([harness.new_order()], limits) == [Outcome.TOO_MANY_FAILED]
    harness.clock.advance(hours=1)
    assert await harness.placing.place([harness.new_order()], limits) == [Outcome.WRITTEN]


async def test_fifty_concurrent_placements_with_one_key_write_one_order(
    postgres_harness: StoreHarness,
) -> None:
    new_orders = [postgres_harness.new_order(key="k") for _ in range(50)]

    outcomes = await asyncio.gather(*(postgres_harness.placing.place([new], NO_LIMITS) for new in new_orders))

    assert sorted(outcome[0].value for outcome in outcomes) == ["DUPLICATE"] * 49 + ["WRITTEN"]
    for table, rows in [("orders", 1), ("order_lines", 2), ("order_status_changes", 1), ("outbox", 1)]:
        assert await postgres_harness.db.fetchval(f"SELECT count(*) FROM {table}") == rows


async def test_a_failed_batch_leaves_no_rows(postgres_harness: StoreHarness) -> None:
    broken = postgres_harness.new_order()
    broken.event.order.lines = (replace(broken.event.order.lines[0], quantity=0),)

    with pytest.raises(Exception, match="order_lines_quantity_check"):
        await postgres_harness.placing.place([postgres_harness.new_order(), broken], NO_LIMITS)

    for table in ("orders", "order_lines", "order_status_changes", "outbox"):
        assert await postgres_harness.db.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_the_event_is_in_the_outbox_under_the_orders_id(postgres_harness: StoreHarness) -> None:
    [order] = await postgres_harness.place()
    row = await postgres_harness.db.fetchrow("SELECT topic, key, type FROM outbox")

    assert row["topic"] == "souk.order.v1"
    assert row["key"].startswith("ord_")
    assert row["type"] == "souk.order.v1.OrderPlaced"
    assert order.version == 1


async def test_placing_many_orders_is_one_statement(postgres_harness: StoreHarness) -> None:
    statements: list[str] = []

    class Counting(Database):
        async def _statement(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
            statements.append(sql)
            return await super()._statement(method, sql, args)

    db = Counting(postgres_harness.db.url, publishes=TOPIC)
    await db.open()
    await PostgresNewOrderStore(db).place([postgres_harness.new_order() for _ in range(3)], NO_LIMITS)
    await db.close()

    assert len(statements) == 1


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("version", "revision", "outcome"), [(1, 1, Outcome.CART_CHANGED), (2, 0, Outcome.RULES_CHANGED)]
)
async def test_an_outdated_placement_rejects_no_other_of_its_cart_in_the_batch(
    postgres_harness: StoreHarness, version: int, revision: int, outcome: Outcome, is_first: bool
) -> None:
    harness, cart_id = postgres_harness, uuid4()
    await harness.db.execute(_OPEN_CART, cart_id, harness.account)
    outdated = replace(_of_cart(harness.new_order(), cart_id, version), revision=revision)
    batch = [outdated, _of_cart(harness.new_order(), cart_id, 2)]

    outcomes = await harness.placing.place(batch if is_first else batch[::-1], NO_LIMITS)

    assert outcomes == ([outcome, Outcome.WRITTEN] if is_first else [Outcome.WRITTEN, outcome])


async def test_of_two_placements_of_a_cart_in_a_batch_one_is_written(postgres_harness: StoreHarness) -> None:
    harness, cart_id = postgres_harness, uuid4()
    await harness.db.execute(_OPEN_CART, cart_id, harness.account)
    batch = [_of_cart(harness.new_order(), cart_id, 2) for _ in range(2)]

    outcomes = await harness.placing.place(batch, NO_LIMITS)

    assert sorted(outcomes, key=str) == [Outcome.CART_CHANGED, Outcome.WRITTEN]


async def test_a_guest_has_two_unpaid_orders_and_accounts_in_its_batch_have_more(
    harness: StoreHarness,
) -> None:
    own = [harness.new_order() for _ in range(3)]
    guests = [harness.new_order(account=GUEST, guest_network="home") for _ in range(3)]

    outcomes = await harness.placing.place([*own, *guests], NO_LIMITS)

    assert outcomes[:3] == [Outcome.WRITTEN] * 3
    assert sorted(outcomes[3:], key=str) == [Outcome.TOO_MANY_PENDING, Outcome.WRITTEN, Outcome.WRITTEN]
    another = harness.new_order(account=GUEST, guest_network="elsewhere")
    assert await harness.placing.place([another], NO_LIMITS) == [Outcome.TOO_MANY_PENDING]


async def test_the_unpaid_orders_of_a_networks_guests_are_limited_and_the_network_is_not_kept(
    postgres_harness: StoreHarness,
) -> None:
    harness, limits = postgres_harness, AccountLimits(1000, 1000, guest_network_pending=3)
    guests = [harness.new_order(account=uuid4(), guest_network="home") for _ in range(4)]

    outcomes = await harness.placing.place(guests, limits)
    assert sorted(outcomes, key=str) == [Outcome.TOO_MANY_PENDING, *[Outcome.WRITTEN] * 3]
    late = harness.new_order(account=uuid4(), guest_network="home")
    other = harness.new_order(account=uuid4(), guest_network="elsewhere")
    assert await harness.placing.place([late, other], limits) == [Outcome.TOO_MANY_PENDING, Outcome.WRITTEN]

    written = guests[outcomes.index(Outcome.WRITTEN)].event.order
    assert (await harness.store.get(written.id, None)) == written
    await harness.change(written, lambda stored: stored.payment_failed("", harness.clock.now))

    networks = await harness.db.fetch("SELECT guest_network FROM orders WHERE status <> 'PENDING'")
    assert [row["guest_network"] for row in networks] == [None]
    assert await harness.placing.place([late], limits) == [Outcome.WRITTEN]


@pytest.mark.parametrize("reason", [CancelReason.PAYMENT_FAILED, CancelReason.CUSTOMER])
async def test_the_failed_payments_of_a_networks_guests_are_limited_for_an_hour(
    postgres_harness: StoreHarness, reason: CancelReason
) -> None:
    harness = postgres_harness
    limits = AccountLimits(1000, 1000, guest_network_pending=1000, guest_network_failed_payments=2)
    for _ in range(2):
        new = harness.new_order(account=uuid4(), guest_network="home")
        assert await harness.placing.place([new], limits) == [Outcome.WRITTEN]
        await harness.change(new.event.order, lambda stored: end_unpaid(stored, reason, harness.clock.now))
    guest = harness.new_order(account=uuid4(), guest_network="home")
    others = [harness.new_order(account=uuid4(), guest_network="elsewhere"), harness.new_order()]

    outcomes = await harness.placing.place([guest, *others], limits)
    assert outcomes == [Outcome.TOO_MANY_FAILED, Outcome.WRITTEN, Outcome.WRITTEN]
    harness.clock.advance(hours=1)
    later = harness.new_order(account=uuid4(), guest_network="home")
    assert await harness.placing.place([later], limits) == [Outcome.WRITTEN]


async def test_networks_of_failed_payments_are_deleted_after_an_hour(postgres_harness: StoreHarness) -> None:
    harness, now = postgres_harness, utc_now()
    for age in (timedelta(minutes=59), timedelta(minutes=61)):
        await harness.db.execute(
            "INSERT INTO failed_guest_payments VALUES ($1, 'home', $2)", uuid4(), now - age
        )
    assert await failed_payment_retention(harness.db).prune() == 1


def _of_cart(new: NewOrder, cart_id: UUID, version: int) -> NewOrder:
    return replace(
        new, command=replace(place_order(new.command.caller_id), cart=CartVersion(cart_id, version))
    )
