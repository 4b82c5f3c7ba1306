"""All consumer groups of a service, as one resource."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kit.db import Database
from kit.events.consumer import GroupConsumer
from kit.events.dead_letters import DeadLetterQueue
from kit.events.delivery import Bury, Delivery
from kit.events.letter_store import counts
from kit.events.metrics import DEAD_LETTERS
from kit.events.publisher import Publisher
from kit.events.subscriptions import AnySubscription, Group, consumer_groups
from kit.work import PeriodicJob

_STOP_SECONDS = 8.0
_MEASURE_SECONDS = 10.0


class Consumers:
    """Listens for as long as it is open; neither Kafka nor the database has to be there.

    `database` holds the inbox; a service whose subscriptions are all `BatchSubscription`s needs none.
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
            group.name: (group, Delivery(group, database, self._burying(group, database)))
            for group in consumer_groups(service, subscriptions)
        }
        self._running: list[GroupConsumer] = []
        self._measuring = PeriodicJob("dead_letters", _MEASURE_SECONDS, self._measure)

    async def open(self) -> None:
        """Starts a thread for each group."""
        for group, delivery in self._deliveries.values():
            consumer = GroupConsumer(group, delivery, self._bootstrap)
            consumer.start()
            self._running.append(consumer)
        if self._database is not None:
            await self._measuring.open()

    async def close(self) -> None:
        """Finishes the chunks under way, commits, and leaves the groups."""
        await asyncio.gather(*(consumer.stop(_STOP_SECONDS) for consumer in self._running))
        self._running.clear()
        if self._database is not None:
            await self._measuring.close()
        await self._publisher.close()

    def _burying(self, group: Group, database: Database | None) -> Bury:
        return DeadLetterQueue(group.name, self._publisher, database if group.has_inbox else None).bury

    async def _measure(self) -> None:
        assert self._database is not None
        waiting = await counts(self._database)
        for group, _ in self._deliveries.values():
            for topic in group.topics:
                DEAD_LETTERS.labels(group.name, topic).set(waiting.get((group.name, topic), 0))

    async def ping(self) -> None:
        """Nothing to ask: a group that does not get on shows as its lag."""
