"""The command `dead-letters` of every service: lists what its groups failed to handle, and replays or drops it."""

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
    dead_letter_topic,
    drop_pending,
    drop_stored,
    list_pending,
    list_stored,
    replay_pending,
    replay_stored,
)
from kit.service.service import Service

_USAGE = """usage: python -m {service} dead-letters [(replay | drop) [TOPIC]]

Lists the events that the service's consumer groups failed to handle. `replay` publishes them to their original topics, all or those of one
topic: every group receives them again, but they only take effect where they had none. `drop` deletes them. Groups with a database keep dead
letters until one of the two; other groups as long as Kafka retains the topic.
"""


@dataclass(frozen=True, slots=True)
class _DeadLetters:
    """The dead letters of a group and a topic: in the database, or else only in the topic `name`."""

    name: str
    group: str
    topic: str
    bootstrap: str
    database: Database | None

    def pending(self) -> Awaitable[list[DeadLetter]]:
        if self.database is None:
            return list_pending(self.bootstrap, self.name)
        return list_stored(self.database, self.group, self.topic)

    async def replay(self) -> int:
        if self.database is None:
            return await replay_pending(self.bootstrap, self.name)
        publisher = Publisher(self.bootstrap, "souk-replay")
        try:
            return await replay_stored(self.database, publisher, self.group, self.topic)
        finally:
            await publisher.close()

    def drop(self) -> Awaitable[int]:
        if self.database is None:
            return drop_pending(self.bootstrap, self.name)
        return drop_stored(self.database, self.group, self.topic)


async def dead_letters(service: Service, args: Sequence[str]) -> int:
    """Exit status 0: done; 1: Kafka or the database is unavailable; 2: invalid arguments."""
    sources = _sources(service)
    try:
        if service.database is not None and sources:
            await service.database.open()
        return await _run(service, sources, args)
    except SoukError as error:
        print(f"dead-letters: {error.message}", file=sys.stderr)
        return 1
    finally:
        if service.database is not None:
            await service.database.close()


async def _run(service: Service, sources: Sequence[_DeadLetters], args: Sequence[str]) -> int:
    names = [source.name for source in sources]
    match args:
        case []:
            for source in sources:
                _print(source, await source.pending())
        case [("replay" | "drop") as verb, *topics] if len(topics) < 2 and {*topics} <= {*names}:
            for source in sources:
                if not topics or source.name in topics:
                    count = await (source.replay() if verb == "replay" else source.drop())
                    print(f"{source.name}: {count} {'replayed' if verb == 'replay' else 'dropped'}")
        case _:
            print(_USAGE.format(service=service.name), file=sys.stderr)
            print(
                "topics: " + (", ".join(names) or "none (this service subscribes to no topic)"),
                file=sys.stderr,
            )
            return 2
    return 0


def _sources(service: Service) -> list[_DeadLetters]:
    sources = [
        _DeadLetters(
            dead_letter_topic(topic, group.name),
            group.name,
            topic,
            service.settings.kafka_bootstrap,
            service.database if group.has_inbox else None,
        )
        for group in consumer_groups(service.name, service.consumes)
        for topic in group.topics
    ]
    return sorted(sources, key=lambda source: source.name)


def _print(source: _DeadLetters, pending: Sequence[DeadLetter]) -> None:
    print(f"{source.name}: {len(pending)}")
    for letter in pending:
        print(f"  {letter.time} {letter.record} {letter.type} {letter.key} after {letter.tries} tries")
        print(f"    {letter.error}: {letter.message}")
