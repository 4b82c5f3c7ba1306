"""All consumer groups of a service, as one resource."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kit.db import Database
from kit.events.consumer import GroupConsumer
from kit.events.dead_letters import DeadLetters
from kit.events.delivery import Delivery
from kit.events.publisher import Publisher
from kit.events.subscriptions import AnySubscription, groups

_STOP_SECONDS = 8.0


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
        self._publisher = Publisher(bootstrap, f"souk-dead-letters-{service}")
        self._deliveries = {
            group.name: (group, Delivery(group, database, DeadLetters(group.name, self._publisher).bury))
            for group in groups(service, subscriptions)
        }
        self._running: list[GroupConsumer] = []

    async def open(self) -> None:
        """Starts a thread for each group."""
        for group, delivery in self._deliveries.values():
            consumer = GroupConsumer(group, delivery, self._bootstrap)
            consumer.start()
            self._running.append(consumer)

    async def close(self) -> None:
        """Finishes the chunks under way, commits, and leaves the groups."""
        await asyncio.gather(*(consumer.stop(_STOP_SECONDS) for consumer in self._running))
        self._running.clear()
        await self._publisher.close()

    async def ping(self) -> None:
        """Nothing to ask: a group that does not get on shows as its lag."""
