"""One key places one order: with replicas that race, and replicas that are killed between the effect and the response."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from souk.order.v1 import order_pb2

from kit.errors import Aborted, SoukError
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from order.tests.crash_stack import KEY, REASON, Stack, stack

__all__ = ["database_url", "postgres", "stack"]

_IDLE_AFTER_WRITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction' AND backend_xid IS NOT NULL AND query LIKE '%UPDATE orders%'
"""


async def test_fifty_concurrent_calls_with_one_key_on_two_replicas_place_one_order(stack: Stack) -> None:
    replicas = await asyncio.gather(stack.replica(), stack.replica())

    results = await asyncio.gather(*(stack.place(replicas[index % 2]) for index in range(50)))

    assert len(results) == 50
    assert len({result.id for result in results}) == 1
    assert {result.status for result in results} == {order_pb2.ORDER_STATUS_PENDING}
    assert {request.order_id for request in stack.stock.requests} == {results[0].id}
    assert await stack.rows() == (1, 1, 1)


async def test_concurrent_calls_with_one_key_and_different_input_place_one_order_and_conflict(
    stack: Stack,
) -> None:
    replicas = await asyncio.gather(stack.replica(), stack.replica())

    results = await asyncio.gather(
        *(stack.place(replicas[index % 2], quantity=1 + index % 3) for index in range(30)),
        return_exceptions=True,
    )

    orders = [result for result in results if isinstance(result, order_pb2.Order)]
    rejections = [result.reason for result in results if isinstance(result, SoukError)]
    assert len({order.id for order in orders}) == 1
    assert (len(orders), rejections) == (10, ["IDEMPOTENCY_CONFLICT"] * 20)
    assert await stack.rows() == (1, 1, 1)


async def test_a_crash_between_the_commit_and_the_response_leaves_one_order(stack: Stack) -> None:
    first = await stack.replica(proxy=await stack.proxy(KEY))
    calling = asyncio.create_task(stack.place(first))
    await eventually(_one_order(stack), seconds=30)
    assert not calling.done(), "the response must not have been sent"

    await first.kill()

    stored = await stack.observer.fetchval("SELECT id FROM orders")
    with pytest.raises(SoukError):
        await calling
    second = await stack.replica()
    again = await asyncio.gather(*(stack.place(second) for _ in range(5)))
    with pytest.raises(Aborted) as conflict:
        await stack.place(second, quantity=3)
    assert conflict.value.reason == "IDEMPOTENCY_CONFLICT"
    assert {result.id for result in again} == {request.order_id for request in stack.stock.requests}
    assert again[0].lines[0].quantity == 2
    assert await stack.rows() == (1, 1, 1)
    assert await stack.observer.fetchval("SELECT id FROM orders") == stored


async def test_a_retry_after_a_crash_before_the_order_was_written_uses_the_same_reservation(
    stack: Stack,
) -> None:
    first = await stack.replica()
    stack.stock.may_respond.clear()
    calling = asyncio.create_task(stack.place(first))
    await eventually(lambda: stack.stock.requests, seconds=30)

    await first.kill()

    with pytest.raises(SoukError):
        await calling
    assert await stack.rows() == (0, 0, 0)
    stack.stock.may_respond.set()
    order = await stack.place(await stack.replica())
    assert {request.order_id for request in stack.stock.requests} == {order.id}
    assert await stack.rows() == (1, 1, 1)


async def test_a_crash_between_a_cancellation_and_its_response_cancels_once(stack: Stack) -> None:
    first = await stack.replica(proxy=await stack.proxy("COMMIT"))
    order = await stack.place(first)
    calling = asyncio.create_task(stack.cancel(first, order.id))

    async def cancelled() -> bool:
        return bool(await stack.observer.fetchval("SELECT status FROM orders") == "CANCELLED")

    await eventually(cancelled, seconds=30)
    assert not calling.done(), "the response must not have been sent"
    await first.kill()
    with pytest.raises(SoukError):
        await calling

    again = await stack.cancel(await stack.replica(), order.id)

    assert (again.status, again.version) == (order_pb2.ORDER_STATUS_CANCELLED, 2)
    assert await stack.rows() == (1, 1, 2)


async def test_a_crash_before_a_cancellation_is_committed_leaves_the_order_unchanged(stack: Stack) -> None:
    first = await stack.replica(proxy=await stack.proxy(REASON))
    order = await stack.place(first)
    calling = asyncio.create_task(stack.cancel(first, order.id))

    async def written() -> bool:
        """The row is written, and its transaction stays open: the service waits for the result."""
        return bool(await stack.observer.fetchval(_IDLE_AFTER_WRITING))

    await eventually(written, seconds=30)
    await first.kill()
    with pytest.raises(SoukError):
        await calling
    assert await stack.rows() == (1, 1, 1)

    again = await stack.cancel(await stack.replica(), order.id)

    assert (again.status, again.version) == (order_pb2.ORDER_STATUS_CANCELLED, 2)
    assert await stack.rows() == (1, 1, 2)


async def test_an_unpaid_order_is_cancelled_at_its_deadline_after_a_crash_and_without_kafka(
    stack: Stack,
) -> None:
    first = await stack.replica(pending_seconds=2)
    order = await stack.place(first)
    await first.kill()

    second = await stack.replica(pending_seconds=2)

    async def cancelled() -> bool:
        return (await stack.place(second)).status == order_pb2.ORDER_STATUS_CANCELLED

    await eventually(cancelled, seconds=30)
    now = await stack.place(second)
    assert (now.id, now.cancel_reason) == (order.id, order_pb2.CANCEL_REASON_PAYMENT_TIMEOUT)
    assert now.update_time.ToDatetime() - order.create_time.ToDatetime() >= timedelta(seconds=2)
    assert await stack.rows() == (1, 1, 2)


def _one_order(stack: Stack) -> Any:
    async def probe() -> bool:
        return await stack.rows() == (1, 1, 1)

    return probe
