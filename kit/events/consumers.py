"""All consumer groups of a service, as one resource."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kit.db import Database
from kit.events.consumer import GroupConsumer
from kit.events.dead_letter_queue import DeadLetterQueue
from kit.events.dead_letter_store import count_pending
from kit.events.delivery import Delivery, PublishDeadLetter
from kit.events.metrics import DEAD_LETTERS
from kit.events.publisher import Publisher
from kit.events.subscriptions import AnySubscription, Group, consumer_groups
from kit.work import PeriodicJob

_STOP_SECONDS = 8.0
_MEASURE_SECONDS = 10.0


class Consumers:
    """Consumes while it is open; starts without Kafka or the database.

    `database` contains the inbox; a service that only has `BatchSubscription`s needs none.
    """

    name = "consumers"

    def __init__(
        self,
        service: str,
        subscriptions: Sequence[AnySubscription],
        *,
        bootstrap: str,
        database: Database | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._database = database
        self._publisher = Publisher(bootstrap, f"souk-dead-letters-{service}")
        self._deliveries = {
            group.name: (group, Delivery(group, database, self._dead_letters(group, database)))
            for group in consumer_groups(service, subscriptions)
        }
        self._consumers: list[GroupConsumer] = []
        self._dead_letter_gauge = PeriodicJob("dead_letters", _MEASURE_SECONDS, self._measure)

    async def open(self) -> None:
        """Starts one thread per group."""
        for group, delivery in self._deliveries.values():
            consumer = GroupConsumer(group, delivery, self._bootstrap)
            consumer.start()
            self._consumers.append(consumer)
        if self._database is not None:
            await self._dead_letter_gauge.open()

    async def close(self) -> None:
        """Finishes the current batches, commits, and leaves the groups."""
        await asyncio.gather(*(consumer.stop(_STOP_SECONDS) for consumer in self._consumers))
        self._consumers.clear()
        if self._database is not None:
            await self._dead_letter_gauge.close()
        await self._publisher.close()

    def _dead_letters(self, group: Group, database: Database | None) -> PublishDeadLetter:
        return DeadLetterQueue(group.name, self._publisher, database if group.has_inbox else None).publish

    async def _measure(self) -> None:
        assert self._database is not None
        pending = await count_pending(self._database)
        for group, _ in self._deliveries.values():
            for topic in group.topics:
                DEAD_LETTERS.labels(group.name, topic).set(pending.get((group.name, topic), 0))

    async def ping(self) -> None:
        """Does nothing: a group without progress shows in its lag."""
