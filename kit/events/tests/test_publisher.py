"""The producer: what it may still send, and that it always ends."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from kafka.errors import KafkaError

from kit.events import BatchSubscription, Consumers, Event, TopicReplayer, ensure_topics
from kit.events.envelope import OutgoingRecord
from kit.events.publisher import Publisher
from kit.events.tests.notes import fresh_topic
from kit.testing import Kafka, eventually, free_port
from kit.testing.fixtures import kafka
from kit.testing.proxy import Proxy
from kit.testing.records import records

__all__ = ["kafka"]

_CLOSE_SECONDS = 12.0


def _record(topic: str) -> OutgoingRecord:
    return OutgoingRecord(topic, b"a", b"1", [])


@pytest.fixture
def silent() -> Iterator[str]:
    """A broker that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextlib.asynccontextmanager
async def _no_thread_stays() -> AsyncIterator[None]:
    # The loop's own pool may grow, and stays.
    def ours() -> set[threading.Thread]:
        return {item for item in threading.enumerate() if not item.name.startswith("asyncio")}

    before = ours()
    yield
    await eventually(lambda: ours() <= before, seconds=20)


async def test_nothing_is_sent_after_its_time(kafka: Kafka) -> None:
    topic = (await fresh_topic(kafka)).name
    publisher = Publisher(kafka.bootstrap(), "late")
    assert await publisher.send([_record(topic)], until=time.monotonic() - 1) == [False]
    await publisher.close()
    assert await records(kafka.bootstrap(), topic) == []


async def test_what_was_handed_over_before_a_pause_is_not_sent_after_it(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = (await fresh_topic(kafka)).name
    publisher = Publisher(kafka.bootstrap(), "paused")
    assert await publisher.send([_record(topic)]) == [True]
    until = time.monotonic() + 0.2
    flush = publisher._flush

    def pause_and_flush(producer: Any) -> None:
        # As when the process is frozen here; the producer's own thread wakes with it.
        while time.monotonic() < until + 2.5:
            time.sleep(0.01)
        flush(producer)

    monkeypatch.setattr(publisher, "_flush", pause_and_flush)
    assert await publisher.send([_record(topic)], until=until) == [False]
    monkeypatch.undo()
    assert await publisher.send([_record(topic)]) == [True]
    await publisher.close()
    assert len(await records(kafka.bootstrap(), topic)) == 2


async def test_an_idle_publisher_refreshes_its_metadata_without_errors(
    kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    topic = (await fresh_topic(kafka)).name
    publisher = Publisher(kafka.bootstrap(), "idle")
    until = time.monotonic() + 3.0
    assert await publisher.send([_record(topic)], until=until) == [True]
    metadata = publisher._producer._metadata
    metadata.config["metadata_max_age_ms"] = 200
    with caplog.at_level(logging.WARNING):
        await asyncio.sleep(until - time.monotonic())
        refreshed = metadata._last_successful_refresh_ms
        metadata.request_update()
        await eventually(lambda: metadata._last_successful_refresh_ms > refreshed + 400)
    assert [record.getMessage() for record in caplog.records] == []
    assert await publisher.send([_record(topic)]) == [True]
    await publisher.close()


async def test_a_publisher_whose_broker_never_answered_ends_with_its_threads(silent: str) -> None:
    async with _no_thread_stays():
        publisher = Publisher(silent, "silent")
        assert await publisher.send([_record("souk.note.v1")]) == [False]
        await asyncio.wait_for(publisher.close(), _CLOSE_SECONDS)


async def test_a_publisher_whose_broker_went_silent_ends_with_its_threads(tmp_path: Path) -> None:
    wire = Proxy(free_port())
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    broker = Kafka(tmp_path, port=wire._target, advertised_port=port)
    await asyncio.to_thread(broker.start)
    try:
        topic = (await fresh_topic(broker)).name
        async with _no_thread_stays():
            publisher = Publisher(f"127.0.0.1:{port}", "went-silent")
            assert await publisher.send([_record(topic)]) == [True]
            wire.cut()
            sending = asyncio.create_task(publisher.send([_record(topic)]))
            await asyncio.sleep(0)
            await asyncio.wait_for(publisher.close(), _CLOSE_SECONDS)
            assert await sending == [False]
    finally:
        wire.restore()
        server.close()
        await wire.close()
        await asyncio.to_thread(broker.kill)


async def test_a_publisher_that_is_used_again_and_again_has_one_producer(silent: str) -> None:
    async with _no_thread_stays():
        publisher = Publisher(silent, "again")
        for _ in range(2):
            assert await publisher.send([_record("souk.note.v1")]) == [False]
        assert len([item for item in threading.enumerate() if "kafka" in item.name.lower()]) == 0
        await asyncio.wait_for(publisher.close(), _CLOSE_SECONDS)


async def _ignore(_: Any) -> None:
    return


def _consumers(bootstrap: str) -> Any:
    on = BatchSubscription("souk.note.v1", "silent", (StringValue,), _ignore)
    return Consumers("notes", [on], bootstrap=bootstrap)


def _follow(bootstrap: str) -> Any:
    def received(_: Event[StringValue]) -> None:
        return

    return TopicReplayer("souk.note.v1", bootstrap, StringValue, received, lookback=timedelta(minutes=1))


@pytest.mark.parametrize("make", [_consumers, _follow])
async def test_listeners_of_a_silent_broker_end_with_their_threads(
    silent: str, make: Callable[[str], Any]
) -> None:
    async with _no_thread_stays():
        job = make(silent)
        await job.open()
        await asyncio.sleep(0)
        await asyncio.wait_for(job.close(), 20)


async def test_making_topics_at_a_silent_broker_fails_within_a_bound(silent: str) -> None:
    async with _no_thread_stays():
        started_at = time.monotonic()
        with pytest.raises(KafkaError):
            await asyncio.to_thread(ensure_topics, silent, ["souk.note.v1"])
        assert time.monotonic() - started_at < 20
