"""What happens to a chunk, against a real PostgreSQL and without Kafka."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, StringValue

from kit.db import Database, DatabaseUnavailable, Transaction
from kit.events import BatchHandler, BatchSubscription, Event, PreparedHandler, Subscription
from kit.events.delivery import Progress
from kit.events.tests.deliveries import (
    TOPIC,
    WRITES,
    Graveyard,
    db,
    graveyard,
    make_delivery,
    make_record,
    until_done,
    write_note,
    written_notes,
)
from kit.telemetry import correlation_id
from kit.testing.fixtures import database_url, postgres
from kit.testing.rival import rival

__all__ = ["database_url", "db", "graveyard", "postgres"]


async def test_a_chunk_has_its_effects_in_order(db: Database, graveyard: Graveyard) -> None:
    delivery = make_delivery(db, graveyard, WRITES)

    reached = await delivery.handle({0: [make_record("a", 3), make_record("b", 4)], 1: [make_record("c", 9)]})

    assert await written_notes(db) == ["a", "b", "c"]
    assert reached == {0: Progress(5), 1: Progress(10)}


async def test_a_chunk_is_one_transaction(db: Database, graveyard: Graveyard) -> None:
    before = await db.fetchval("SELECT txid_current()")

    await make_delivery(db, graveyard, WRITES).handle(
        {0: [make_record(str(number), number) for number in range(50)]}
    )

    assert len(await written_notes(db)) == 50
    assert await db.fetchval("SELECT txid_current()") - before == 2


async def test_duplicates_have_no_effect(db: Database, graveyard: Graveyard) -> None:
    delivery = make_delivery(db, graveyard, WRITES)
    record = make_record("once")

    await delivery.handle({0: [record, record]})
    await delivery.handle({0: [record]})

    assert await written_notes(db) == ["once"]


async def test_another_group_receives_it_too(db: Database, graveyard: Graveyard) -> None:
    record = make_record("note")
    for purpose in ("", "copies"):
        subscription = Subscription(TOPIC, {StringValue: write_note}, purpose)
        await make_delivery(db, graveyard, subscription).handle({0: [record]})

    assert await written_notes(db) == ["note", "note"]


async def test_without_the_database_everything_waits_from_where_it_was(graveyard: Graveyard) -> None:
    db = Database("postgresql://souk@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        await db.open()

    reached = await make_delivery(db, graveyard, WRITES).handle(
        {0: [make_record("a", 5), make_record("b", 6)], 3: [make_record("c", 1)]}
    )

    assert {partition: progress.offset for partition, progress in reached.items()} == {0: 5, 3: 1}
    assert all(progress.delay for progress in reached.values())


async def test_types_without_a_handler_are_ignored(db: Database, graveyard: Graveyard) -> None:
    record = make_record("", message=BytesValue(value=b"x"))

    assert await make_delivery(db, graveyard, WRITES).handle({0: [record]}) == {0: Progress(1)}
    assert await db.fetchval("SELECT count(*) FROM inbox") == 0


async def test_handlers_run_under_the_events_correlation_id(db: Database, graveyard: Graveyard) -> None:
    seen = []

    async def look(tx: Transaction, event: Event[StringValue]) -> None:
        seen.append(correlation_id.get())

    await make_delivery(db, graveyard, Subscription(TOPIC, {StringValue: look})).handle(
        {0: [make_record("a")]}
    )

    assert seen == ["request-7"]


async def test_peers_are_asked_outside_of_the_transaction_and_for_new_events_only(
    db: Database, graveyard: Graveyard
) -> None:
    requested = []

    async def ask(event: Event[StringValue]) -> str:
        requested.append(event.body.value)
        await db.fetchval("SELECT 1")  # raises inside of a transaction
        return event.body.value.upper()

    async def write(tx: Transaction, event: Event[StringValue], answer: str) -> None:
        await tx.execute("INSERT INTO notes VALUES ($1)", answer)

    delivery = make_delivery(db, graveyard, Subscription(TOPIC, {StringValue: PreparedHandler(write, ask)}))
    old = make_record("old", 0)
    await delivery.handle({0: [old]})
    await delivery.handle({0: [old, make_record("new", 1)]})

    assert requested == ["old", "new"]
    assert await written_notes(db) == ["OLD", "NEW"]


async def test_events_of_a_type_that_came_in_a_row_are_handled_at_once(
    db: Database, graveyard: Graveyard
) -> None:
    calls = []

    async def write(tx: Transaction, events: Sequence[Event[Any]]) -> None:
        texts = [event.body.value for event in events]
        calls.append(texts)
        await tx.execute("INSERT INTO notes SELECT unnest($1::text[])", texts)
        if "poison" in texts:
            raise KeyError

    delivery = make_delivery(db, graveyard, Subscription(TOPIC, {StringValue: BatchHandler(write)}))
    await delivery.handle({0: [make_record("a", 0), make_record("b", 1)]})
    await until_done(delivery, {0: [make_record("c", 2), make_record("poison", 3), make_record("d", 4)]})

    assert calls[0] == ["a", "b"]
    assert await written_notes(db) == ["a", "b", "c", "d"]
    assert len(graveyard.texts) == 1


async def test_a_batch_handler_needs_no_database_and_receives_duplicates(graveyard: Graveyard) -> None:
    received: list[str] = []

    async def index(events: Sequence[Event[Any]]) -> None:
        received.extend(event.body.value for event in events)

    delivery = make_delivery(None, graveyard, BatchSubscription(TOPIC, "indexer", (StringValue,), index))
    record = make_record("a")
    await delivery.handle({0: [record]})
    await delivery.handle({0: [record]})

    assert received == ["a", "a"]


async def test_rolled_back_effects_leave_the_inbox_empty(db: Database, graveyard: Graveyard) -> None:
    await until_done(make_delivery(db, graveyard, WRITES), {0: [make_record("poison")]})

    assert await db.fetchval("SELECT count(*) FROM inbox") == 0
    assert await written_notes(db) == []


async def test_a_chunk_that_a_deadlock_undid_is_handled_again_at_once(
    db: Database, graveyard: Graveyard
) -> None:
    async def both(tx: Transaction, event: Event[StringValue]) -> None:
        await tx.execute("INSERT INTO notes VALUES ($1)", event.body.value)
        await tx.execute("UPDATE tallies SET total = total + 1 WHERE name = $1", event.body.value)

    await db.execute("CREATE TABLE tallies AS SELECT unnest(ARRAY['a', 'b']) AS name, 0 AS total")
    delivery = make_delivery(db, graveyard, Subscription(TOPIC, {StringValue: both}))
    take = "UPDATE tallies SET total = total + 1 WHERE name = $1"
    async with rival(db.url) as other:
        await other.hold(take, "b")
        reached, _ = await asyncio.gather(
            delivery.handle({0: [make_record("a", 3), make_record("b", 4)]}), other.deadlock(take, "a")
        )
    assert reached == {0: Progress(5)}
    assert await written_notes(db) == ["a", "b"]
    # As one chunk: not each event by itself.
    assert await db.fetchval("SELECT count(DISTINCT xmin::text) FROM notes") == 1
    assert [row["total"] for row in await db.fetch("SELECT total FROM tallies")] == [1, 1]
