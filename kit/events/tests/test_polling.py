"""Consumers at rest: their fetches wait at the broker, and nothing waits for these fetches."""

import asyncio
import time
from typing import Any

from kit.db import Database
from kit.events import Consumers, Topic, TopicWatcher
from kit.events.polling import Poller
from kit.events.tests.notes import Noted, note
from kit.events.tests.writing import Writer, db, note_consumers, sorted_notes, topic, wait_for_notes, writer
from kit.testing import Kafka, eventually
from kit.testing.fixtures import database_url, kafka, postgres

__all__ = ["database_url", "db", "kafka", "postgres", "topic", "writer"]

_FETCH_SECONDS = 25
# What does not wait for a fetch takes less than a second; a rebalance takes a heartbeat more.
_SOON_SECONDS = 10.0
_STOP_SECONDS = 2.0
_KEYS = [f"{number}" for number in range(24)]  # Enough that every partition gets some.


def sleeps(poller: Poller) -> bool:
    return bool(poller._awake._cond._waiters)  # type: ignore[attr-defined]


def poller_of(consumers: Consumers) -> Poller:
    (consumer,) = consumers._consumers
    return consumer._poller


async def until_assigned(consumers: Consumers, partitions: int) -> None:
    poller = poller_of(consumers)
    await eventually(
        lambda: poller._consumer is not None and len(poller._consumer.assignment()) == partitions,
        seconds=40,
    )


async def until_fetching(consumers: Consumers) -> None:
    """Waits until it sleeps; its fetches wait for 25 s at the broker from now on."""
    await until_assigned(consumers, 6)
    poller = poller_of(consumers)
    fetcher: Any = poller._consumer._fetcher
    short = list(fetcher._fetch_futures)
    poller.fetch_wait_ms = _FETCH_SECONDS * 1000
    await eventually(lambda: all(fetch.is_done for fetch in short) and sleeps(poller), seconds=40)


async def test_a_stop_does_not_wait_for_a_fetch(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await until_fetching(consumers)

    started = time.monotonic()
    await consumers.close()
    assert time.monotonic() - started < _STOP_SECONDS


async def test_a_watcher_at_rest_stops_at_once(topic: Topic, kafka: Kafka) -> None:
    ready = asyncio.Event()
    watcher = TopicWatcher(topic.name, kafka.bootstrap(), lambda _: ready.set())
    await watcher.open()
    await asyncio.wait_for(ready.wait(), 20)
    await eventually(lambda: sleeps(watcher._poller))

    started = time.monotonic()
    await watcher.close()
    assert time.monotonic() - started < _STOP_SECONDS
    assert watcher._thread is not None
    assert watcher._thread.join(0)


async def test_an_event_and_its_retries_do_not_wait_for_a_fetch(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    consumers = note_consumers(db, topic, kafka, writer)
    await consumers.open()
    await until_fetching(consumers)

    started = time.monotonic()
    writer.later.add("patience")
    await note(db, Noted("key", "patience"), *(Noted(key, key) for key in _KEYS))

    async def others() -> bool:
        return len(await sorted_notes(db)) >= 10

    await eventually(others, seconds=20)
    writer.later.clear()
    await wait_for_notes(db, ["patience", *_KEYS], seconds=20)
    assert time.monotonic() - started < _SOON_SECONDS
    await consumers.close()


async def test_a_rebalance_does_not_wait_for_a_fetch(
    db: Database, topic: Topic, kafka: Kafka, writer: Writer
) -> None:
    first, guest = (note_consumers(db, topic, kafka, writer) for _ in range(2))
    await first.open()
    await until_fetching(first)

    started = time.monotonic()
    await guest.open()
    await until_assigned(guest, 3)
    await until_assigned(first, 3)
    assert time.monotonic() - started < _SOON_SECONDS
    await eventually(lambda: sleeps(poller_of(first)))

    started = time.monotonic()
    await guest.close()
    await note(db, *(Noted(key, key) for key in _KEYS))
    await wait_for_notes(db, _KEYS, seconds=30)
    assert time.monotonic() - started < _SOON_SECONDS
    await first.close()
