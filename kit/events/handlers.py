"""Calls a group's handlers for decoded events: the inbox and the effects in one transaction.

Retries and dead letters are `Delivery`'s.
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

# Sorted, so that two consumers of one group that hold the same events (a rebalance) cannot deadlock.
_INBOX = """
INSERT INTO inbox (consumer, event_id) SELECT $1, id FROM unnest($2::uuid[]) AS id ORDER BY id
ON CONFLICT DO NOTHING RETURNING event_id
"""
_SEEN = "SELECT event_id FROM inbox WHERE consumer = $1 AND event_id = ANY($2::uuid[])"
# Peers are asked for so many events at once.
_PREPARING = 16


class Received(NamedTuple):
    """An event and the topic that it came from."""

    topic: str
    event: Event[Any]


class Handlers:
    """The reactions of one group; without a database only a group of `BatchSubscription`s can be served."""

    def __init__(self, group: Group, database: Database | None) -> None:
        self._group = group
        self._database = database
        needs_database = any(not isinstance(sub, BatchSubscription) for sub in group.by_topic.values())
        if needs_database and database is None:
            raise ValueError(f"group {group.name} needs a database for its inbox")

    async def handle(self, received: Sequence[Received]) -> None:
        """Has the effect of every event that had none yet, all or nothing; raises what a handler raised."""
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
                fresh = await self._fresh(tx, received)
                for _, run in groupby(fresh, key=lambda item: (item.topic, type(item.event.body))):
                    await self._apply(tx, list(run), prepared)
            return fresh

        fresh = await run_with_contention_retries(attempt)
        self._count(fresh, "done")
        for _ in range(len(received) - len(fresh)):
            CONSUMED.labels(self._group.name, "", "repeated").inc()

    async def _fresh(self, tx: Transaction, received: Sequence[Received]) -> list[Received]:
        """Writes the inbox; answers those that were not in it, each once."""
        rows = await tx.fetch(_INBOX, self._group.name, sorted({item.event.id for item in received}))
        unseen: set[UUID] = {row["event_id"] for row in rows}
        fresh = []
        for item in received:
            if item.event.id in unseen:
                unseen.remove(item.event.id)
                fresh.append(item)
        return fresh

    async def _apply(self, tx: Transaction, run: Sequence[Received], prepared: dict[UUID, Any]) -> None:
        """Events of one type that came in a row."""
        topic, first = run[0]
        subscription = self._group.by_topic[topic]
        assert isinstance(subscription, Subscription)
        reaction = subscription.handlers[type(first.body)]
        if isinstance(reaction, BatchHandler):
            await reaction.apply(tx, [item.event for item in run])
            return
        for item in run:
            if isinstance(reaction, PreparedHandler):
                await _within(item.event, reaction.apply, tx, item.event, prepared[item.event.id])
            else:
                await _within(item.event, reaction, tx, item.event)

    async def _prepare(self, database: Database, received: Sequence[Received]) -> dict[UUID, Any]:
        """The answers of peers, by event; asked outside of the transaction, for events that are new."""
        asking = {item.event.id: item.event for item in received if self._reaction(item) is not None}
        if not asking:
            return {}
        reactions = {item.event.id: self._reaction(item) for item in received}
        for row in await database.fetch(_SEEN, self._group.name, list(asking)):
            del asking[row["event_id"]]
        slots = asyncio.Semaphore(_PREPARING)

        async def ask(event: Event[Any]) -> Any:
            reaction = reactions[event.id]
            assert reaction is not None
            async with slots:
                return await _within(event, reaction.prepare, event)

        answers = await asyncio.gather(*map(ask, asking.values()), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return dict(zip(asking, answers, strict=True))

    def _reaction(self, item: Received) -> PreparedHandler | None:
        subscription = self._subscription(item)
        if not isinstance(subscription, Subscription):
            return None
        reaction = subscription.handlers[type(item.event.body)]
        return reaction if isinstance(reaction, PreparedHandler) else None

    def _subscription(self, item: Received) -> AnySubscription:
        return self._group.by_topic[item.topic]

    def _count(self, received: Sequence[Received], outcome: str) -> None:
        for item in received:
            CONSUMED.labels(self._group.name, item.event.type, outcome).inc()


async def _within(event: Event[Any], handle: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Calls a handler under the event's correlation id and trace."""
    token = correlation_id.set(event.correlation_id)
    try:
        with span(f"consume {event.type}", kind=SpanKind.CONSUMER, parent=extract(event.trace)):
            return await handle(*args)
    finally:
        correlation_id.reset(token)
