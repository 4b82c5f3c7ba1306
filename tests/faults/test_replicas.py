"""One of two replicas freezes, vanishes or fails inside, and many orders end at once: the shop goes on."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.e2e.shop import Answer, Person, Shop, within
from tests.faults.allowed import is_repeatable, refusals
from tests.faults.ground import FaultGround, fault_ground
from tests.invariants.evidence import uuid_of

__all__ = ["fault_ground"]

# Within this another replica's relay takes over, whatever became of the one that led.
_TAKE_OVER_SECONDS = 30.0
_CANCELLED = 300
_SHOPPERS = 6


@pytest.fixture
async def shop(fault_ground: FaultGround) -> AsyncIterator[Shop]:
    async with fault_ground.shop() as shop:
        yield shop


@asynccontextmanager
async def _tables(ground: FaultGround, service: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(ground.database(service))
    try:
        yield connection
    finally:
        await connection.close()


async def _buys(buyer: Person, product: str, card: str = "pm_card_visa") -> str:
    """As a client does that has a key: until it is answered."""
    key = secrets.token_hex(8)

    async def answered() -> str:
        return str((await buyer.buy(product, card=card, key=key))["id"])

    return await within(90, answered, "the order")


async def _is_told(tables: Any) -> None:
    """Every event that is written by now is published in time."""
    written = await tables.fetchval("SELECT max(id) FROM outbox")

    async def published() -> bool:
        sql = "SELECT NOT EXISTS (SELECT FROM outbox WHERE id <= $1 AND published_at IS NULL)"
        return bool(await tables.fetchval(sql, written))

    await within(_TAKE_OVER_SECONDS, published, "the events")


@pytest.mark.parametrize("part", ["order", "order-2"])
async def test_events_flow_while_a_replica_is_frozen(
    fault_ground: FaultGround, shop: Shop, part: str
) -> None:
    """One of the two has led the relay."""
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=5)
    fault_ground.freeze(part)
    try:
        order_id = await _buys(buyer, product)
        async with _tables(fault_ground, "order") as tables:
            await _is_told(tables)
    finally:
        fault_ground.thaw(part)
    await buyer.sees(order_id, "CONFIRMED", seconds=90)


@pytest.mark.parametrize("part", ["order", "order-2"])
async def test_events_flow_after_a_replica_vanished_for_its_database(
    fault_ground: FaultGround, shop: Shop, part: str
) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=5)
    fault_ground.network.lose(part, "postgresql")
    order_id = await _buys(buyer, product)
    async with _tables(fault_ground, "order") as tables:
        await _is_told(tables)
    await buyer.sees(order_id, "CONFIRMED", seconds=90)


async def test_a_relay_that_met_what_it_did_not_expect_goes_on(fault_ground: FaultGround, shop: Shop) -> None:
    """An event that cannot be encoded ends the work of each replica's relay, one after the other; then it is taken away."""
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=5)
    async with _tables(fault_ground, "order") as tables:
        before = await _two_relays(tables)
        spoilt = await tables.fetchval(
            "INSERT INTO outbox (event_id, topic, key, type, time, headers, payload) "
            "VALUES (gen_random_uuid(), 'souk.order.v1', '', 'spoilt', now(), '[]', '') RETURNING id"
        )

        async def failed() -> bool:
            return not before & await _relays(tables)

        try:
            await within(60, failed, "both relays to fail")
        finally:
            await tables.execute("DELETE FROM outbox WHERE id = $1", spoilt)
        order_id = await _buys(buyer, product)
        await _is_told(tables)
    await buyer.sees(order_id, "CONFIRMED", seconds=90)


async def _two_relays(tables: Any) -> set[int]:
    """A leader and a standby; the session of one that vanished lasts for a while."""

    async def two() -> set[int] | None:
        found = await _relays(tables)
        return found if len(found) == 2 else None

    return await within(60, two, "two relays")


async def _relays(tables: Any) -> set[int]:
    """The sessions of relays, leader and standby."""
    sql = "SELECT pid FROM pg_stat_activity WHERE datname = 'order' AND application_name = 'souk-relay'"
    return {row["pid"] for row in await tables.fetch(sql)}


async def test_a_silent_broker_costs_no_threads(fault_ground: FaultGround, shop: Shop) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=50)
    await buyer.sees(await _buys(buyer, product), "CONFIRMED", seconds=90)
    parts = fault_ground.replicas("order")
    before = {part: fault_ground.threads(part) for part in parts}
    async with _tables(fault_ground, "order") as tables:
        for _ in range(3):
            fault_ground.network.block("anyone", "kafka")
            try:
                order_id = await _buys(buyer, product)
                # For longer than a delivery may take.
                await _attempts(fault_ground, parts)
            finally:
                fault_ground.network.heal()
            await _is_told(tables)
    await buyer.sees(order_id, "CONFIRMED", seconds=90)

    async def few() -> bool:
        return all(fault_ground.threads(part) <= before[part] + 2 for part in parts)

    await within(60, few, f"as many threads as before, {before}")


async def _attempts(ground: FaultGround, parts: list[str]) -> None:
    """Waits until a publisher gave up."""
    before = sum(ground.log(part).count("events.publish_failed") for part in parts)

    async def more() -> bool:
        return sum(ground.log(part).count("events.publish_failed") for part in parts) > before

    await within(90, more, "a publisher to give up")


async def test_many_cancellations_at_once_fail_no_order(fault_ground: FaultGround, shop: Shop) -> None:
    admin = await shop.admin()
    products = [await admin.create_product(price="5.00", stock=100_000) for _ in range(12)]
    buyers = [await shop.register() for _ in range(_SHOPPERS)]
    waiting = await _place(buyers, products, _CANCELLED)
    deadlocks = _deadlocks(fault_ground)
    over = asyncio.Event()
    answers: list[Answer] = []

    async def shops(buyer: Person, turn: int) -> None:
        while not over.is_set():
            turn += 1
            lines = [(products[(turn * step) % len(products)], 1) for step in (7, 5, 11)]
            answers.append(await buyer.try_to_buy(*dict(lines).items(), key=secrets.token_hex(8)))

    shopping = [asyncio.create_task(shops(buyer, at)) for at, buyer in enumerate(buyers)]
    await asyncio.gather(*(_cancels(buyer, order_id) for buyer, order_id in waiting))
    async with _tables(fault_ground, "catalog") as tables:
        await _all_free(tables, [order_id for _, order_id in waiting])
    over.set()
    await asyncio.gather(*shopping)

    # A busy machine may be late for some; contention is no excuse.
    assert [refusals(each) for each in answers if each.errors and not is_repeatable(each)] == []
    assert not all(each.errors for each in answers)
    assert _deadlocks(fault_ground) == deadlocks


async def _place(buyers: list[Person], products: list[str], count: int) -> list[tuple[Person, str]]:
    """Orders of one product each that wait for their buyer's bank."""
    gate = asyncio.Semaphore(8)

    async def place(at: int) -> tuple[Person, str]:
        buyer = buyers[at % len(buyers)]
        async with gate:
            return buyer, await _buys(buyer, products[at % len(products)], "pm_card_authenticationRequired")

    return list(await asyncio.gather(*(place(at) for at in range(count))))


async def _cancels(buyer: Person, order_id: str) -> None:
    """Until it is answered; contention is no answer."""

    async def answered() -> Answer | None:
        answer = await buyer.cancel(order_id)
        return None if is_repeatable(answer) else answer

    assert not (await within(90, answered, "the cancellation")).errors


async def _all_free(tables: Any, order_ids: list[str]) -> None:
    """Waits until the stock of the cancelled orders is back."""
    ids = [uuid_of(order_id) for order_id in order_ids]

    async def released() -> bool:
        sql = "SELECT count(*) FROM reservations WHERE order_id = ANY($1::uuid[]) AND state IN ('RELEASED', 'RETURNED')"
        return bool(await tables.fetchval(sql, ids) == len(ids))

    await within(120, released, "the stock of cancelled orders")


def _deadlocks(ground: FaultGround) -> int:
    return Path(ground.stack.parts["postgresql"].log).read_text().count("deadlock detected")
