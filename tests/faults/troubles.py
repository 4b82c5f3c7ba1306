"""What goes wrong meanwhile: kill -9 of services, outages of servers, events delivered again."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError
from kafka.structs import OffsetAndMetadata

from tests.e2e.ground import Ground

SERVICES: Final = ("account", "catalog", "order", "payment", "notification", "gateway")
SERVERS: Final = ("postgresql", "kafka", "redis", "elasticsearch", "stripe", "mail")
# Whose consumer group is put back: the service and what it listens to.
_HEARD: Final = {
    "catalog": ["souk.order.v1"],
    "order": ["souk.payment.v1"],
    "payment": ["souk.order.v1"],
    "notification": ["souk.account.v1", "souk.order.v1", "souk.payment.v1"],
}
_AGAIN = 200
_EMPTY_SECONDS = 20.0


@dataclass
class Troubles:
    """One trouble after the other, from a seed; each is over before the next begins."""

    ground: Ground
    seed: int
    counted: Counter[str] = field(default_factory=Counter)

    async def brew(self, ended: asyncio.Event, pause: float, longest: float) -> None:
        """Until `ended`; about `pause` seconds between two, and no outage longer than `longest`."""
        chance = random.Random(f"{self.seed} troubles")
        kinds = (
            [self._kill] * 5 + [self._outage] * 3 + [self._kill_in_an_outage] * 2 + [self._deliver_again] * 2
        )
        while not ended.is_set():
            await chance.choice(kinds)(chance, longest)
            try:
                await asyncio.wait_for(ended.wait(), pause * chance.uniform(0.5, 1.5))
            except TimeoutError:
                continue

    async def _kill(self, chance: random.Random, longest: float) -> None:
        service = chance.choice(SERVICES)
        await self._down(service)
        await self._up(service)

    async def _outage(self, chance: random.Random, longest: float) -> None:
        server = chance.choice(SERVERS)
        await self._down(server)
        await asyncio.sleep(chance.uniform(0.5, longest))
        await self._up(server)

    async def _kill_in_an_outage(self, chance: random.Random, longest: float) -> None:
        server, service = chance.choice(SERVERS), chance.choice(SERVICES)
        await self._down(server)
        await asyncio.sleep(chance.uniform(0.2, longest / 2))
        await self._down(service)
        await self._up(server)
        await self._up(service)

    async def _deliver_again(self, chance: random.Random, longest: float) -> None:
        """A group that was put back hears its last events once more."""
        service = chance.choice(list(_HEARD))
        # In order, so that it leaves its group, which has to be empty.
        await asyncio.to_thread(self.ground.stop, service)
        self.counted["groups put back"] += 1
        try:
            bootstrap = f"127.0.0.1:{self.ground.ports.kafka}"
            await asyncio.to_thread(_put_back, bootstrap, service, _HEARD[service])
        finally:
            await self._up(service)

    async def _down(self, part: str) -> None:
        self.counted["kill -9" if part in SERVICES else "outages"] += 1
        await asyncio.to_thread(self.ground.kill, part)

    async def _up(self, part: str) -> None:
        await asyncio.to_thread(self.ground.start, part)


def _put_back(bootstrap: str, group: str, topics: Sequence[str]) -> None:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        consumer.assign(partitions)
        offsets = {}
        for partition in partitions:
            committed = consumer.committed(partition)
            if committed:
                offsets[partition] = OffsetAndMetadata(max(0, committed - _AGAIN), "", -1)
        end = time.monotonic() + _EMPTY_SECONDS
        while offsets:
            try:
                consumer.commit(offsets)
                return
            except CommitFailedError:  # a member that was killed before is still remembered
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
    finally:
        consumer.close(autocommit=False)
