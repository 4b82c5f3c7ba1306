"""The command `dead-letters` of every service: what its groups gave up on, and how to hand it to them again or to drop it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from kit.db import Database
from kit.errors import SoukError
from kit.events import (
    DeadLetter,
    Publisher,
    consumer_groups,
    drop,
    drop_kept,
    kept,
    replay,
    replay_kept,
    waiting,
)
from kit.events import dead_letter_topic as name_of
from kit.service.service import Service

_USAGE = """usage: python -m {service} dead-letters [(replay | drop) [TOPIC]]

Lists what the service's groups could not handle. `replay` puts it back onto the topics it came from, all of it or one topic's: every group
receives it again, and has an effect only where it had none. `drop` forgets it. Groups with a database keep their dead letters until one
of the two; the others as long as Kafka keeps the topic.
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the dead letters of a group and a topic are: in the database, or in the topic `name` only."""

    name: str
    group: str
    topic: str
    bootstrap: str
    database: Database | None

    def waiting(self) -> Awaitable[list[DeadLetter]]:
        if self.database is None:
            return waiting(self.bootstrap, self.name)
        return kept(self.database, self.group, self.topic)

    async def replay(self) -> int:
        if self.database is None:
            return await replay(self.bootstrap, self.name)
        publisher = Publisher(self.bootstrap, "souk-replay")
        try:
            return await replay_kept(self.database, publisher, self.group, self.topic)
        finally:
            await publisher.close()

    def drop(self) -> Awaitable[int]:
        if self.database is None:
            return drop(self.bootstrap, self.name)
        return drop_kept(self.database, self.group, self.topic)


async def dead_letters(service: Service, words: Sequence[str]) -> int:
    """0: done; 1: Kafka or the database is unavailable; 2: the words make no sense."""
    places = _places(service)
    try:
        if service.database is not None and places:
            await service.database.open()
        match words:
            case []:
                for place in places:
                    _print(place, await place.waiting())
            case [("replay" | "drop") as verb, *rest] if len(rest) < 2 and {*rest} <= {
                p.name for p in places
            }:
                for place in places:
                    if not rest or place.name in rest:
                        count = await (place.replay() if verb == "replay" else place.drop())
                        print(f"{place.name}: {count} {'replayed' if verb == 'replay' else 'dropped'}")
            case _:
                print(_USAGE.format(service=service.name), file=sys.stderr)
                names = ", ".join(place.name for place in places)
                print("topics: " + (names or "none, it listens to nothing"), file=sys.stderr)
                return 2
    except SoukError as error:
        print(f"dead-letters: {error.message}", file=sys.stderr)
        return 1
    finally:
        if service.database is not None:
            await service.database.close()
    return 0


def _places(service: Service) -> list[_Place]:
    found = []
    for group in consumer_groups(service.name, service.consumes):
        database = service.database if group.has_inbox else None
        found += [
            _Place(name_of(topic, group.name), group.name, topic, service.settings.kafka_bootstrap, database)
            for topic in group.topics
        ]
    return sorted(found, key=lambda place: place.name)


def _print(place: _Place, letters: Sequence[DeadLetter]) -> None:
    print(f"{place.name}: {len(letters)}")
    for letter in letters:
        print(f"  {letter.time} {letter.record} {letter.type} {letter.key} after {letter.tries} tries")
        print(f"    {letter.error}: {letter.message}")
