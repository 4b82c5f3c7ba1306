"""Merged guests on PostgreSQL: rows before and after the event, repetitions, and rows that were written concurrently."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from souk.account.v1 import events_pb2 as pb

from kit.db import Database, Transaction
from kit.events import Event
from kit.guests import MERGED_ACCOUNT, MergedGuests
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, utc_now

__all__ = ["database_url", "postgres"]

TABLES = (
    "CREATE TABLE merged_accounts (guest_id uuid PRIMARY KEY, into_id uuid NOT NULL, merge_time timestamptz NOT NULL)",
    "CREATE TABLE things (id uuid PRIMARY KEY, account_id uuid NOT NULL)",
    "CREATE TABLE others (id uuid PRIMARY KEY, account_id uuid NOT NULL)",
)
GUEST, INTO, STRANGER = ACCOUNT.new(), ACCOUNT.new(), ACCOUNT.new()


class Fixture:
    """A database with two tables of accounts' rows."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.clock = FakeClock()
        self.calls: list[tuple[UUID, UUID]] = []
        self.guests = MergedGuests(db, ["things", "others"], self._called, clock=self.clock)

    async def add(self, table: str, account_id: UUID) -> None:
        await self.db.execute(f"INSERT INTO {table} VALUES ($1, $2)", uuid4(), account_id)

    async def merge(self) -> None:
        body = pb.GuestMerged(guest_id=ACCOUNT.format(GUEST), into_id=ACCOUNT.format(INTO))
        event: Event[Any] = Event(uuid4(), "souk.account.v1.GuestMerged", "key", utc_now(), body, "", {})
        async with self.db.transaction() as tx:
            await self.guests.merged(tx, event)

    async def owners(self) -> list[UUID]:
        rows = await self.db.fetch("SELECT account_id FROM things UNION ALL SELECT account_id FROM others")
        return [row["account_id"] for row in rows]

    async def _called(self, tx: Transaction, guest_id: UUID, into_id: UUID) -> None:
        self.calls.append((guest_id, into_id))


@pytest.fixture
async def fixture(database_url: str) -> AsyncIterator[Fixture]:
    db = Database(database_url)
    await db.open()
    for statement in TABLES:
        await db.execute(statement)
    yield Fixture(db)
    await db.close()


async def test_rows_of_a_guest_belong_to_the_account_however_often_the_event_comes(fixture: Fixture) -> None:
    for table in ("things", "things", "others"):
        await fixture.add(table, GUEST)
    await fixture.add("others", STRANGER)

    for _ in range(5):
        await fixture.merge()

    assert sorted(await fixture.owners()) == sorted([INTO, INTO, INTO, STRANGER])
    assert fixture.calls == [(GUEST, INTO)] * 5
    assert await fixture.db.fetchval("SELECT count(*) FROM merged_accounts") == 1


async def test_a_row_that_arrives_later_is_inserted_for_the_account(fixture: Fixture) -> None:
    insert = f"INSERT INTO things SELECT gen_random_uuid(), {MERGED_ACCOUNT.format('$1::uuid')}"
    await fixture.db.execute(insert, GUEST)
    assert await fixture.owners() == [GUEST]
    await fixture.merge()
    await fixture.db.execute(insert, GUEST)
    await fixture.db.execute(insert, STRANGER)
    assert sorted(await fixture.owners()) == sorted([INTO, INTO, STRANGER])


async def test_a_row_that_was_written_concurrently_is_found_within_an_hour(fixture: Fixture) -> None:
    await fixture.merge()
    await fixture.add("others", GUEST)
    await fixture.guests.apply_to_late_rows()
    assert await fixture.owners() == [INTO]
    assert len(fixture.calls) == 2

    await fixture.guests.apply_to_late_rows()
    assert len(fixture.calls) == 2
    fixture.clock.advance(seconds=3_700)
    await fixture.add("others", GUEST)
    await fixture.guests.apply_to_late_rows()
    assert sorted(await fixture.owners()) == sorted([INTO, GUEST])
