"""Events that always fail, and those that fail for now, against a real PostgreSQL and without Kafka."""

from google.protobuf.wrappers_pb2 import StringValue

from kit.db import Database
from kit.events.delivery import MAX_ATTEMPTS, Progress
from kit.events.tests.deliveries import (
    WRITES,
    Graveyard,
    db,
    graveyard,
    make_delivery,
    make_record,
    until_done,
    written_notes,
)
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "db", "graveyard", "postgres"]


async def test_one_poison_event_dies_and_the_others_have_their_effect_once(
    db: Database, graveyard: Graveyard
) -> None:
    delivery = make_delivery(db, graveyard, WRITES)
    records = [make_record("a", 0), make_record("poison", 1), make_record("b", 2)]

    reached = await until_done(delivery, {0: records, 1: [make_record("c")]})

    assert sorted(await written_notes(db)) == ["a", "b", "c"]
    assert [StringValue.FromString(letter).value for letter in graveyard.texts] == ["poison"]
    assert reached == {0: 3, 1: 1}


async def test_a_poison_event_is_tried_several_times_first(db: Database, graveyard: Graveyard) -> None:
    delivery = make_delivery(db, graveyard, WRITES)

    for _ in range(MAX_ATTEMPTS - 1):
        progress = (await delivery.handle({0: [make_record("poison", 7)]}))[0]
        assert progress.offset == 7
        assert progress.delay is not None
        assert not graveyard.texts

    assert (await delivery.handle({0: [make_record("poison", 7)]}))[0] == Progress(8)
    assert len(graveyard.texts) == 1


async def test_what_is_no_event_dies_at_once(db: Database, graveyard: Graveyard) -> None:
    record = make_record("a")
    record.value = b"\xff"

    assert await make_delivery(db, graveyard, WRITES).handle({0: [record]}) == {0: Progress(1)}
    assert graveyard.texts == [b"\xff"]


async def test_an_event_waits_when_even_its_dead_letter_cannot_be_written(
    db: Database, graveyard: Graveyard
) -> None:
    graveyard.closed = True
    delivery = make_delivery(db, graveyard, WRITES)
    record = make_record("a", 4)
    record.value = b"\xff"

    progress = (await delivery.handle({0: [record]}))[0]

    assert (progress.offset, progress.delay is None) == (4, False)


async def test_what_passes_by_itself_holds_up_its_partition_only(db: Database, graveyard: Graveyard) -> None:
    delivery = make_delivery(db, graveyard, WRITES)
    chunk = {0: [make_record("a", 0), make_record("later", 1), make_record("b", 2)], 1: [make_record("c", 0)]}

    for _ in range(MAX_ATTEMPTS * 2):
        reached = await delivery.handle(chunk)
        chunk.pop(1, None)

    assert reached[0].offset == 1
    assert reached[0].delay is not None
    assert sorted(await written_notes(db)) == ["a", "c"]
    assert not graveyard.texts
