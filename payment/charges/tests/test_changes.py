"""Changes that workers record together, on PostgreSQL."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from datetime import datetime
from typing import Any

import orjson
import pytest

from kit.db import Database
from kit.telemetry import correlation_id
from kit.testing.fixtures import database_url, postgres
from kit.work import LeaseLost
from payment.charges.changes import Change, Changed, LeasedChanges
from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import DomainEvent, Payment
from payment.payments.status import PaymentStatus
from payment.tests.fakes import new_payment
from payment.tests.world import PostgresStores, World, stores

__all__ = ["database_url", "postgres", "stores"]


class Batches(World):
    """Leased payments, and the changes of their workers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.changes = LeasedChanges(self.db, self.store, clock=self.clock)

    async def write(self, payment: Payment, change: Change) -> Changed:
        return await self.changes.write(payment, change)

    async def lease(self, count: int) -> list[Payment]:
        async with self.db.transaction() as tx:
            await self.store.add(tx, [new_payment(self.clock) for _ in range(count)])
        return await self.charges.claim(count)

    async def status(self, payment: Payment) -> PaymentStatus:
        [stored] = await self.store.get_many([payment.id], None)
        return stored.status

    async def transactions_with_changes(self) -> int:
        """The number of transactions that wrote the present rows."""
        number: int = await self.db.fetchval("SELECT count(DISTINCT xmin::text) FROM payments")
        return number


@pytest.fixture
def world(stores: tuple[Database, PostgresStores]) -> Batches:
    return Batches(*stores)


def succeeded(payment: Payment, now: datetime) -> DomainEvent | None:
    return payment.apply_intent(Intent(f"pi_{payment.id}", IntentStatus.SUCCEEDED), now)


async def together(calls: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    tasks = [asyncio.create_task(call, context=Context()) for call in calls]
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_changes_that_arrive_together_are_one_transaction(world: Batches) -> None:
    payments = await world.lease(10)
    results = await together([world.write(payment, succeeded) for payment in payments])

    assert [result.payment.id for result in results] == [payment.id for payment in payments]
    assert await world.transactions_with_changes() == 1
    assert await world.db.fetchval("SELECT count(*) FROM outbox") == 10
    assert await world.db.fetchval("SELECT count(*) FROM ledger") == 20


async def test_a_worker_whose_lease_has_passed_to_another_changes_nothing_and_the_others_do(
    world: Batches,
) -> None:
    first, late, last = await world.lease(3)
    await world.db.execute("UPDATE payments SET attempts = attempts + 1 WHERE id = $1", late.id)
    results = await together([world.write(payment, succeeded) for payment in (first, late, last)])

    assert [type(result) for result in results] == [Changed, LeaseLost, Changed]
    assert await world.status(late) is PaymentStatus.PROCESSING
    assert await world.db.fetchval("SELECT count(*) FROM outbox") == 2


async def test_a_change_that_fails_does_not_affect_the_others(world: Batches) -> None:
    first, bad, last = await world.lease(3)

    def forbidden_by_the_database(payment: Payment, now: datetime) -> DomainEvent | None:
        payment.due_time = None
        return None

    changes = [(first, succeeded), (bad, forbidden_by_the_database), (last, succeeded)]
    results = await together([world.write(*change) for change in changes])

    assert [isinstance(result, Exception) for result in results] == [False, True, False]
    assert [await world.status(payment) for payment in (first, bad, last)] == [
        PaymentStatus.SUCCEEDED,
        PaymentStatus.PROCESSING,
        PaymentStatus.SUCCEEDED,
    ]


async def test_each_event_has_the_headers_of_its_own_worker(world: Batches) -> None:
    payments = await world.lease(3)

    async def write(number: int) -> Changed:
        correlation_id.set(f"request-{number}")
        return await world.write(payments[number], succeeded)

    await together([write(number) for number in range(3)])
    rows = await world.db.fetch("SELECT headers FROM outbox ORDER BY id")
    headers = [orjson.loads(row["headers"]) for row in rows]
    assert [header["x-request-id"] for header in headers] == ["request-0", "request-1", "request-2"]
