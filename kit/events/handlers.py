"""Calls a group's handlers for decoded events: the inbox and the effects in one transaction.

`Delivery` does retries and dead letters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from kit.db import Database, Transaction, run_with_contention_retries
from kit.events.envelope import Event
from kit.events.metrics import CONSUMED
from kit.events.subscriptions import (
    AnySubscription,
    BatchHandler,
    BatchSubscription,
    Group,
    PreparedHandler,
    Subscription,
)
from kit.telemetry import SpanKind, correlation_id, extract, span

# Sorted, so that two consumers with the same events (during a rebalance) cannot deadlock.
_INBOX = """
INSERT INTO inbox (consumer, event_id) SELECT $1, id FROM unnest($2::uuid[]) AS id ORDER BY id
ON CONFLICT DO NOTHING RETURNING event_id
"""
_SEEN = "SELECT event_id FROM inbox WHERE consumer = $1 AND event_id = ANY($2::uuid[])"
# Maximum number of events prepared concurrently.
_MAX_PREPARING = 16


class Received(NamedTuple):
    """An event and its topic."""

    topic: str
    event: Event[Any]


class Handlers:
    """The handlers of one group; without a database only `BatchSubscription`s are possible."""

    def __init__(self, group: Group, database: Database | None) -> None:
        self._group = group
        self._database = database
        needs_database = any(not isinstance(sub, BatchSubscription) for sub in group.by_topic.values())
        if needs_database and database is None:
            raise ValueError(f"group {group.name} needs a database for its inbox")

    async def handle(self, received: Sequence[Received]) -> None:
        """Handles every event that was not handled before, all or nothing; raises a handler's error."""
        if not received:
            return
        if self._database is None or isinstance(self._subscription(received[0]), BatchSubscription):
            await self._batches(received)
        else:
            await self._transaction(self._database, received)

    async def _batches(self, received: Sequence[Received]) -> None:
        for topic in dict.fromkeys(item.topic for item in received):
            subscription = self._group.by_topic[topic]
            assert isinstance(subscription, BatchSubscription)
            await subscription.on_batch([item.event for item in received if item.topic == topic])
        self._count(received, "done")

    async def _transaction(self, database: Database, received: Sequence[Received]) -> None:
        prepared = await self._prepare(database, received)

        async def attempt() -> list[Received]:
            async with database.transaction() as tx:
                new = await self._insert_new(tx, received)
                for _, run in groupby(new, key=lambda item: (item.topic, type(item.event.body))):
                    await self._apply(tx, list(run), prepared)
            return new

        new = await run_with_contention_retries(attempt)
        self._count(new, "done")
        for _ in range(len(received) - len(new)):
            CONSUMED.labels(self._group.name, "", "duplicate").inc()

    async def _insert_new(self, tx: Transaction, received: Sequence[Received]) -> list[Received]:
        """Inserts into the inbox; returns the events that were not in it, without duplicates."""
        rows = await tx.fetch(_INBOX, self._group.name, sorted({item.event.id for item in received}))
        new_ids: set[UUID] = {row["event_id"] for row in rows}
        new = []
        for item in received:
            if item.event.id in new_ids:
                new_ids.remove(item.event.id)
                new.append(item)
        return new

    async def _apply(self, tx: Transaction, run: Sequence[Received], prepared: dict[UUID, Any]) -> None:
        """Applies consecutive events of one type."""
        topic, first = run[0]
        subscription = self._group.by_topic[topic]
        assert isinstance(subscription, Subscription)
        handler = subscription.handlers[type(first.body)]
        if isinstance(handler, BatchHandler):
            await handler.apply(tx, [item.event for item in run])
            return
        for item in run:
            if isinstance(handler, PreparedHandler):
                await _with_context(item.event, handler.apply, tx, item.event, prepared[item.event.id])
            else:
                await _with_context(item.event, handler, tx, item.event)

    async def _prepare(self, database: Database, received: Sequence[Received]) -> dict[UUID, Any]:
        """Calls `prepare` for new events, outside the transaction; returns the results by event."""
        to_prepare = {
            item.event.id: item.event for item in received if self._prepared_handler(item) is not None
        }
        if not to_prepare:
            return {}
        handlers_by_event = {item.event.id: self._prepared_handler(item) for item in received}
        for row in await database.fetch(_SEEN, self._group.name, list(to_prepare)):
            del to_prepare[row["event_id"]]
        slots = asyncio.Semaphore(_MAX_PREPARING)

        async def prepare(event: Event[Any]) -> Any:
            handler = handlers_by_event[event.id]
            assert handler is not None
            async with slots:
                return await _with_context(event, handler.prepare, event)

        results = await asyncio.gather(*map(prepare, to_prepare.values()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return dict(zip(to_prepare, results, strict=True))

    def _prepared_handler(self, item: Received) -> PreparedHandler | None:
        subscription = self._subscription(item)
        if not isinstance(subscription, Subscription):
            return None
        handler = subscription.handlers[type(item.event.body)]
        return handler if isinstance(handler, PreparedHandler) else None

    def _subscription(self, item: Received) -> AnySubscription:
        return self._group.by_topic[item.topic]

    def _count(self, received: Sequence[Received], outcome: str) -> None:
        for item in received:
            CONSUMED.labels(self._group.name, item.event.type, outcome).inc()


async def _with_context(event: Event[Any], handle: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Calls a handler with the event's correlation id and trace."""
    token = correlation_id.set(event.correlation_id)
    try:
        with span(f"consume {event.type}", kind=SpanKind.CONSUMER, parent=extract(event.trace)):
            return await handle(*args)
    finally:
        correlation_id.reset(token)
