"""One of two replicas freezes, disconnects or fails internally, or many orders are cancelled at once: the shop keeps working."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.e2e.responses import Response, within
from tests.e2e.shop import Person, Shop
from tests.faults.allowed import error_names, is_retryable
from tests.faults.stack import FaultStack, fault_stack
from tests.invariants.sources import uuid_of

__all__ = ["fault_stack"]

# Within this time another replica's relay takes over, whatever happened to the active one.
_TAKEOVER_SECONDS = 30.0
_CANCELLATIONS = 300
_SHOPPERS = 6


@pytest.fixture
async def shop(fault_stack: FaultStack) -> AsyncIterator[Shop]:
    async with fault_stack.shop() as shop:
        yield shop


@asynccontextmanager
async def _tables(stack: FaultStack, service: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.database(service))
    try:
        yield connection
    finally:
        await connection.close()


async def _wait_until_published(tables: Any) -> None:
    """Waits until every event that is in the outbox now is published."""
    last_id = await tables.fetchval("SELECT max(id) FROM outbox")

    async def published() -> bool:
        sql = "SELECT NOT EXISTS (SELECT FROM outbox WHERE id <= $1 AND published_at IS NULL)"
        return bool(await tables.fetchval(sql, last_id))

    await within(_TAKEOVER_SECONDS, published, "the events")


@pytest.mark.parametrize("replica", ["order", "order-2"])
async def test_events_flow_while_a_replica_is_frozen(
    fault_stack: FaultStack, shop: Shop, replica: str
) -> None:
    """One of the two runs the active relay."""
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=5)
    fault_stack.freeze(replica)
    try:
        order_id = await buyer.buy_until_answered(product)
        async with _tables(fault_stack, "order") as tables:
            await _wait_until_published(tables)
    finally:
        fault_stack.thaw(replica)
    await buyer.wait_for_status(order_id, "CONFIRMED", seconds=90)


@pytest.mark.parametrize("replica", ["order", "order-2"])
async def test_events_flow_after_a_replica_vanished_from_its_database(
    fault_stack: FaultStack, shop: Shop, replica: str
) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=5)
    fault_stack.network.vanish(replica, "postgresql")
    order_id = await buyer.buy_until_answered(product)
    async with _tables(fault_stack, "order") as tables:
        await _wait_until_published(tables)
    await buyer.wait_for_status(order_id, "CONFIRMED", seconds=90)


async def test_a_relay_continues_after_an_unexpected_error(fault_stack: FaultStack, shop: Shop) -> None:
    """A row that cannot be encoded makes the relay of each replica fail, one after the other; then the row is deleted."""
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=5)
    async with _tables(fault_stack, "order") as tables:
        before = await _two_relays(tables)
        invalid = await tables.fetchval(
            "INSERT INTO outbox (event_id, topic, key, type, time, headers, payload) "
            "VALUES (gen_random_uuid(), 'souk.order.v1', '', 'invalid', now(), '[]', '') RETURNING id"
        )

        async def failed() -> bool:
            return not before & await _relays(tables)

        try:
            await within(60, failed, "both relays to fail")
        finally:
            await tables.execute("DELETE FROM outbox WHERE id = $1", invalid)
        order_id = await buyer.buy_until_answered(product)
        await _wait_until_published(tables)
    await buyer.wait_for_status(order_id, "CONFIRMED", seconds=90)


async def _two_relays(tables: Any) -> set[int]:
    """An active and a standby relay; the session of a vanished one lasts for a while."""

    async def two() -> set[int] | None:
        pids = await _relays(tables)
        return pids if len(pids) == 2 else None

    return await within(60, two, "two relays")


async def _relays(tables: Any) -> set[int]:
    """The database sessions of relays."""
    sql = "SELECT pid FROM pg_stat_activity WHERE datname = 'order' AND application_name = 'souk-relay'"
    return {row["pid"] for row in await tables.fetch(sql)}


async def test_a_silent_broker_leaks_no_threads(fault_stack: FaultStack, shop: Shop) -> None:
    admin, buyer = await shop.admin(), await shop.register()
    product = await admin.create_product(stock=50)
    await buyer.wait_for_status(await buyer.buy_until_answered(product), "CONFIRMED", seconds=90)
    replicas = fault_stack.replicas("order")
    before = {replica: fault_stack.threads(replica) for replica in replicas}
    async with _tables(fault_stack, "order") as tables:
        for _ in range(3):
            fault_stack.network.block("anyone", "kafka")
            try:
                order_id = await buyer.buy_until_answered(product)
                # Longer than the timeout of a delivery.
                await _wait_for_failed_publish(fault_stack, replicas)
            finally:
                fault_stack.network.heal()
            await _wait_until_published(tables)
    await buyer.wait_for_status(order_id, "CONFIRMED", seconds=90)

    async def few() -> bool:
        return all(fault_stack.threads(replica) <= before[replica] + 2 for replica in replicas)

    await within(60, few, f"as many threads as before, {before}")


async def _wait_for_failed_publish(stack: FaultStack, replicas: list[str]) -> None:
    before = _failed_publishes(stack, replicas)

    async def more() -> bool:
        return _failed_publishes(stack, replicas) > before

    await within(90, more, "a publisher to give up")


def _failed_publishes(stack: FaultStack, replicas: list[str]) -> int:
    return sum(stack.log(replica).count("events.publish_failed") for replica in replicas)


async def test_many_concurrent_cancellations_fail_no_order(fault_stack: FaultStack, shop: Shop) -> None:
    admin = await shop.admin()
    products = [await admin.create_product(price="5.00", stock=100_000) for _ in range(12)]
    buyers = [await shop.register() for _ in range(_SHOPPERS)]
    pending = await _place(buyers, products, _CANCELLATIONS)
    deadlocks = _deadlocks(fault_stack)
    stopped = asyncio.Event()
    responses: list[Response] = []

    async def place_orders(buyer: Person, turn: int) -> None:
        while not stopped.is_set():
            turn += 1
            lines = [(products[(turn * step) % len(products)], 1) for step in (7, 5, 11)]
            responses.append(await buyer.try_to_buy(*dict(lines).items(), key=secrets.token_hex(8)))

    shopping = [asyncio.create_task(place_orders(buyer, index)) for index, buyer in enumerate(buyers)]
    await asyncio.gather(*(_cancel(buyer, order_id) for buyer, order_id in pending))
    async with _tables(fault_stack, "catalog") as tables:
        await _wait_until_released(tables, [order_id for _, order_id in pending])
    stopped.set()
    await asyncio.gather(*shopping)

    # On a busy machine some time out, but none may fail because of contention.
    assert [
        error_names(response) for response in responses if response.errors and not is_retryable(response)
    ] == []
    assert not all(response.errors for response in responses)
    assert _deadlocks(fault_stack) == deadlocks


async def _place(buyers: list[Person], products: list[str], count: int) -> list[tuple[Person, str]]:
    """Places pending orders of one product each, whose buyers must authenticate."""
    semaphore = asyncio.Semaphore(8)

    async def place(index: int) -> tuple[Person, str]:
        buyer = buyers[index % len(buyers)]
        async with semaphore:
            product = products[index % len(products)]
            return buyer, await buyer.buy_until_answered(product, card="pm_card_authenticationRequired")

    return list(await asyncio.gather(*(place(index) for index in range(count))))


async def _cancel(buyer: Person, order_id: str) -> None:
    """Repeats the cancellation until it succeeds or fails permanently."""

    async def answered() -> Response | None:
        response = await buyer.cancel(order_id)
        return None if is_retryable(response) else response

    assert not (await within(90, answered, "the cancellation")).errors


async def _wait_until_released(tables: Any, order_ids: list[str]) -> None:
    """Waits until the reservations of the cancelled orders are released."""
    ids = [uuid_of(order_id) for order_id in order_ids]

    async def released() -> bool:
        sql = "SELECT count(*) FROM reservations WHERE order_id = ANY($1::uuid[]) AND state IN ('RELEASED', 'RETURNED')"
        return bool(await tables.fetchval(sql, ids) == len(ids))

    await within(120, released, "the stock of cancelled orders")


def _deadlocks(stack: FaultStack) -> int:
    return Path(stack.local.components["postgresql"].log).read_text().count("deadlock detected")
