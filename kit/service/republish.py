"""The command `republish` of every service with a database: publishes again what its outbox still has, after Kafka lost data."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from kit.errors import SoukError
from kit.events import discard_events, unmark_published
from kit.service.service import Service

_USAGE = """usage: python -m {service} republish [--discard]

Has the relay publish every event again that the outbox still has (7 days). Groups handle those that they have not handled yet: for a Kafka
that lost data. `--discard` first deletes the events in the service's topics: for a database that was restored to an earlier time, of which
Kafka knows what came after it. Stop every service before, or they handle events that are about to be deleted.
"""


async def republish(service: Service, args: Sequence[str]) -> int:
    """Exit status 0: done; 1: Kafka or the database is unavailable; 2: invalid arguments."""
    if args not in ([], ["--discard"]) or service.database is None:
        print(_USAGE.format(service=service.name), file=sys.stderr)
        return 2
    try:
        if args:
            topics = service.access().creates()
            await asyncio.to_thread(discard_events, service.settings.kafka_bootstrap, topics)
            print(f"discarded the events of {', '.join(topics)}")
        await service.database.open()
        print(f"{await unmark_published(service.database)} events are published again")
    except SoukError as error:
        print(f"republish: {error.message}", file=sys.stderr)
        return 1
    finally:
        await service.database.close()
    return 0
