"""What happens to a chunk, against a real PostgreSQL and without Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, StringValue

from kit.db import Database, DatabaseUnavailable, Migrations, Transaction
from kit.errors import Unavailable
from kit.events import BatchHandler, BatchSubscription, Event, PreparedHandler, Subscription
from kit.events.delivery import MAX_ATTEMPTS, Delivery, Progress
from kit.events.envelope import to_record
from kit.events.subscriptions import AnySubscription, consumer_groups
from kit.telemetry import correlation_id
from kit.testing.fixtures import database_url, postgres
from kit.testing.rival import rival
from kit.values import utc_now

__all__ = ["database_url", "postgres"]

TOPIC = "souk.note.v1"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await Migrations("kit.db").apply(database_url)
    db = Database(database_url)
    await db.open()
    await db.execute("CREATE TABLE notes (text text NOT NULL)")
    yield db
    await db.close()


class Graveyard:
    """Collects dead letters; refuses them while `closed`."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.closed = False

    async def bury(self, record: Any, error: Exception, tries: int) -> None:
        if self.closed:
            raise Unavailable("closed")
        self.texts.append(record.value)


@pytest.fixture
def graveyard() -> Graveyard:
    return Graveyard()


def _record(
    text: str, offset: int = 0, partition: int = 0, id: UUID | None = None, message: Any = None
) -> Any:
    body = message or StringValue(value=text)
    row = {
        "topic": TOPIC,
        "event_id": id or uuid4(),
        "key": "note_1",
        "type": body.DESCRIPTOR.full_name,
        "time": utc_now(),
        "headers": '{"x-request-id": "request-7"}',
        "payload": body.SerializeToString(),
    }
    sent = to_record(row)
    return SimpleNamespace(
        topic=TOPIC, partition=partition, offset=offset, key=sent.key, value=sent.value, headers=sent.headers
    )


def _delivery(db: Database | None, graveyard: Graveyard, subscription: AnySubscription) -> Delivery:
    return Delivery(consumer_groups("notes", [subscription])[0], db, graveyard.bury)


async def _write(tx: Transaction, event: Event[StringValue]) -> None:
    """Writes the note; "poison" is refused for good, "later" for now."""
    if event.body.value == "later":
        raise Unavailable("later")
    await tx.execute("INSERT INTO notes VALUES ($1)", event.body.value)
    if event.body.value == "poison":
        raise KeyError("poison")


WRITES = Subscription(TOPIC, {StringValue: _write})


async def _notes(db: Database) -> list[str]:
    return [row["text"] for row in await db.fetch("SELECT text FROM notes ORDER BY ctid")]


async def test_a_chunk_has_its_effects_in_order(db: Database, graveyard: Graveyard) -> None:
    delivery = _delivery(db, graveyard, WRITES)

    reached = await delivery.handle({0: [_record("a", 3), _record("b", 4)], 1: [_record("c", 9)]})

    assert await _notes(db) == ["a", "b", "c"]
    assert reached == {0: Progress(5), 1: Progress(10)}


async def test_a_chunk_is_one_transaction(db: Database, graveyard: Graveyard) -> None:
    before = await db.fetchval("SELECT txid_current()")

    await _delivery(db, graveyard, WRITES).handle({0: [_record(str(number), number) for number in range(50)]})

    assert len(await _notes(db)) == 50
    assert await db.fetchval("SELECT txid_current()") - before == 2


async def test_duplicates_have_no_effect(db: Database, graveyard: Graveyard) -> None:
    delivery = _delivery(db, graveyard, WRITES)
    record = _record("once")

    await delivery.handle({0: [record, record]})
    await delivery.handle({0: [record]})

    assert await _notes(db) == ["once"]


async def test_another_group_receives_it_too(db: Database, graveyard: Graveyard) -> None:
    record = _record("note")
    for purpose in ("", "copies"):
        subscription = Subscription(TOPIC, {StringValue: _write}, purpose)
        await _delivery(db, graveyard, subscription).handle({0: [record]})

    assert await _notes(db) == ["note", "note"]


async def test_one_poison_event_dies_and_the_others_have_their_effect_once(
    db: Database, graveyard: Graveyard
) -> None:
    delivery = _delivery(db, graveyard, WRITES)
    records = [_record("a", 0), _record("poison", 1), _record("b", 2)]

    reached = await _until_done(delivery, {0: records, 1: [_record("c")]})

    assert sorted(await _notes(db)) == ["a", "b", "c"]
    assert [StringValue.FromString(letter).value for letter in graveyard.texts] == ["poison"]
    assert reached == {0: 3, 1: 1}


async def _until_done(
    delivery: Delivery, chunk: dict[int, list[Any]], maximum: int = MAX_ATTEMPTS
) -> dict[int, int]:
    """Polls as the consumer would: what is to be tried again is handed over again; answers the offsets reached."""
    reached: dict[int, int] = {}
    for _ in range(maximum):
        for partition, progress in (await delivery.handle(chunk)).items():
            reached[partition] = progress.offset
        chunk = {
            partition: left
            for partition, records in chunk.items()
            if (left := [record for record in records if record.offset >= reached[partition]])
        }
        if not chunk:
            break
    return reached


async def test_a_poison_event_is_tried_several_times_first(db: Database, graveyard: Graveyard) -> None:
    delivery = _delivery(db, graveyard, WRITES)

    for _ in range(MAX_ATTEMPTS - 1):
        progress = (await delivery.handle({0: [_record("poison", 7)]}))[0]
        assert progress.offset == 7
        assert progress.delay is not None
        assert not graveyard.texts

    assert (await delivery.handle({0: [_record("poison", 7)]}))[0] == Progress(8)
    assert len(graveyard.texts) == 1


async def test_what_is_no_event_dies_at_once(db: Database, graveyard: Graveyard) -> None:
    record = _record("a")
    record.value = b"\xff"

    assert await _delivery(db, graveyard, WRITES).handle({0: [record]}) == {0: Progress(1)}
    assert graveyard.texts == [b"\xff"]


async def test_an_event_waits_when_even_its_dead_letter_cannot_be_written(
    db: Database, graveyard: Graveyard
) -> None:
    graveyard.closed = True
    delivery = _delivery(db, graveyard, WRITES)
    record = _record("a", 4)
    record.value = b"\xff"

    progress = (await delivery.handle({0: [record]}))[0]

    assert (progress.offset, progress.delay is None) == (4, False)


async def test_what_passes_by_itself_holds_up_its_partition_only(db: Database, graveyard: Graveyard) -> None:
    delivery = _delivery(db, graveyard, WRITES)
    chunk = {0: [_record("a", 0), _record("later", 1), _record("b", 2)], 1: [_record("c", 0)]}

    for _ in range(MAX_ATTEMPTS * 2):
        reached = await delivery.handle(chunk)
        chunk.pop(1, None)

    assert reached[0].offset == 1
    assert reached[0].delay is not None
    assert sorted(await _notes(db)) == ["a", "c"]
    assert not graveyard.texts


async def test_without_the_database_everything_waits_from_where_it_was(graveyard: Graveyard) -> None:
    db = Database("postgresql://souk@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        await db.open()

    reached = await _delivery(db, graveyard, WRITES).handle(
        {0: [_record("a", 5), _record("b", 6)], 3: [_record("c", 1)]}
    )

    assert {partition: progress.offset for partition, progress in reached.items()} == {0: 5, 3: 1}
    assert all(progress.delay for progress in reached.values())


async def test_types_without_a_handler_are_ignored(db: Database, graveyard: Graveyard) -> None:
    record = _record("", message=BytesValue(value=b"x"))

    assert await _delivery(db, graveyard, WRITES).handle({0: [record]}) == {0: Progress(1)}
    assert await db.fetchval("SELECT count(*) FROM inbox") == 0


async def test_handlers_run_under_the_events_correlation_id(db: Database, graveyard: Graveyard) -> None:
    seen = []

    async def look(tx: Transaction, event: Event[StringValue]) -> None:
        seen.append(correlation_id.get())

    await _delivery(db, graveyard, Subscription(TOPIC, {StringValue: look})).handle({0: [_record("a")]})

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

    delivery = _delivery(db, graveyard, Subscription(TOPIC, {StringValue: PreparedHandler(write, ask)}))
    old = _record("old", 0)
    await delivery.handle({0: [old]})
    await delivery.handle({0: [old, _record("new", 1)]})

    assert requested == ["old", "new"]
    assert await _notes(db) == ["OLD", "NEW"]


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

    delivery = _delivery(db, graveyard, Subscription(TOPIC, {StringValue: BatchHandler(write)}))
    await delivery.handle({0: [_record("a", 0), _record("b", 1)]})
    await _until_done(delivery, {0: [_record("c", 2), _record("poison", 3), _record("d", 4)]})

    assert calls[0] == ["a", "b"]
    assert await _notes(db) == ["a", "b", "c", "d"]
    assert len(graveyard.texts) == 1


async def test_a_batch_handler_needs_no_database_and_receives_duplicates(graveyard: Graveyard) -> None:
    received: list[str] = []

    async def index(events: Sequence[Event[Any]]) -> None:
        received.extend(event.body.value for event in events)

    delivery = _delivery(None, graveyard, BatchSubscription(TOPIC, "indexer", (StringValue,), index))
    record = _record("a")
    await delivery.handle({0: [record]})
    await delivery.handle({0: [record]})

    assert received == ["a", "a"]


async def test_rolled_back_effects_leave_the_inbox_empty(db: Database, graveyard: Graveyard) -> None:
    await _until_done(_delivery(db, graveyard, WRITES), {0: [_record("poison")]})

    assert await db.fetchval("SELECT count(*) FROM inbox") == 0
    assert await _notes(db) == []


async def test_a_chunk_that_a_deadlock_undid_is_handled_again_at_once(
    db: Database, graveyard: Graveyard
) -> None:
    async def both(tx: Transaction, event: Event[StringValue]) -> None:
        await tx.execute("INSERT INTO notes VALUES ($1)", event.body.value)
        await tx.execute("UPDATE tallies SET total = total + 1 WHERE name = $1", event.body.value)

    await db.execute("CREATE TABLE tallies AS SELECT unnest(ARRAY['a', 'b']) AS name, 0 AS total")
    delivery = _delivery(db, graveyard, Subscription(TOPIC, {StringValue: both}))
    take = "UPDATE tallies SET total = total + 1 WHERE name = $1"
    async with rival(db.url) as other:
        await other.hold(take, "b")
        reached, _ = await asyncio.gather(
            delivery.handle({0: [_record("a", 3), _record("b", 4)]}), other.deadlock(take, "a")
        )
    assert reached == {0: Progress(5)}
    assert await _notes(db) == ["a", "b"]
    # As one chunk: not each event by itself.
    assert await db.fetchval("SELECT count(DISTINCT xmin::text) FROM notes") == 1
    assert [row["total"] for row in await db.fetch("SELECT total FROM tallies")] == [1, 1]
