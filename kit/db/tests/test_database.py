"""The database against a real PostgreSQL."""

import asyncio
import contextvars
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from piccolo.columns import UUID, Integer, Text

from kit.db import (
    Database,
    DatabaseBusy,
    DatabaseUnavailable,
    Migrations,
    OutboxColumns,
    Table,
    UniqueViolation,
)
from kit.db.session import LIMITS
from kit.errors import DeadlineExceeded, Internal
from kit.telemetry import span
from kit.telemetry.spans import record_spans
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from kit.values.deadline import deadline


class ThingRow(Table, tablename="things"):
    id = UUID(primary_key=True)
    name = Text()
    size = Integer(null=True, default=None)


class Notes:
    """Publishes strings."""

    def outbox_rows_by_topic(self, events: Any, headers: Any = ()) -> list[OutboxColumns]:
        return [self.outbox_rows(events, headers)]

    def outbox_rows(self, events: Any, headers: Any = ()) -> OutboxColumns:
        now = datetime.now(UTC)
        count = len(events)
        return OutboxColumns(
            "souk.thing.v1",
            [uuid4() for _ in events],
            [str(event) for event in events],
            ["souk.thing.v1.ThingMade"] * count,
            [now] * count,
            ["{}"] * count,
            [str(event).encode() for event in events],
        )


_THINGS = "CREATE TABLE things (id uuid PRIMARY KEY, name text NOT NULL, size int, CONSTRAINT small CHECK (size < 100))"


__all__ = ["database_url", "postgres"]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await Migrations("kit.db").apply(database_url)
    db = Database(database_url, publishes=Notes(), pool_size=2)
    await db.open()
    await db.execute(_THINGS)
    yield db
    await db.close()


async def _insert(runs: Any, name: str = "a", size: int | None = None) -> None:
    await runs.execute("INSERT INTO things VALUES ($1, $2, $3)", uuid4(), name, size)


async def test_what_a_block_wrote_is_there_after_it(db: Database) -> None:
    async with db.transaction() as tx:
        await _insert(tx)

    assert await db.fetchval("SELECT count(*) FROM things") == 1


async def test_an_error_undoes_the_rows_and_the_outbox(db: Database) -> None:
    with pytest.raises(KeyError):
        async with db.transaction() as tx:
            await _insert(tx)
            await tx.emit("made")
            raise KeyError

    assert await db.fetchval("SELECT (SELECT count(*) FROM things) + (SELECT count(*) FROM outbox)") == 0


async def test_events_become_outbox_rows_in_order(db: Database) -> None:
    woken = []
    db.on_emitted(lambda: woken.append(True))

    async with db.transaction() as tx:
        await tx.emit("first", "second")
        assert not woken

    rows = await db.fetch("SELECT key, type, published_at FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [
        (key, "souk.thing.v1.ThingMade", None) for key in ("first", "second")
    ]
    assert woken == [True]


async def test_commits_are_reported_and_rollbacks_are_not(db: Database) -> None:
    committed = []
    db.on_committed(lambda: committed.append(True))

    async with db.transaction() as tx:
        await _insert(tx)
    with pytest.raises(KeyError):
        async with db.transaction():
            raise KeyError

    assert committed == [True]


async def test_transactions_do_not_nest_and_the_database_is_refused_inside(db: Database) -> None:
    async with db.transaction() as tx:
        with pytest.raises(RuntimeError, match="do not nest"):
            async with db.transaction():
                pass
        with pytest.raises(RuntimeError, match="use it"):
            await db.fetchval("SELECT 1")
        assert await tx.fetchval("SELECT 1") == 1


async def test_a_task_that_outlives_the_block_is_outside_of_it(db: Database) -> None:
    over = asyncio.Event()

    async def later() -> Any:
        await over.wait()
        return await db.fetchval("SELECT 1")

    async with db.transaction() as tx:
        task = asyncio.create_task(later())
        await tx.fetchval("SELECT 1")
    over.set()

    assert await task == 1
    with pytest.raises(RuntimeError, match="already closed"):
        await tx.fetchval("SELECT 1")


async def test_a_commit_that_fails_leaks_neither_connection_nor_context(db: Database) -> None:
    await db.execute("ALTER TABLE things ADD CONSTRAINT one UNIQUE (name) DEFERRABLE INITIALLY DEFERRED")
    for _ in range(5):  # more often than the pool has connections
        with pytest.raises(UniqueViolation):
            async with db.transaction() as tx:
                await _insert(tx, "same")
                await _insert(tx, "same")

    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM things") == 0


async def test_a_connection_lost_before_commit_leaks_neither_connection_nor_context(db: Database) -> None:
    for _ in range(5):
        with pytest.raises(DatabaseUnavailable):
            async with db.transaction() as tx:
                await _insert(tx)
                await _kill(db, await tx.fetchval("SELECT pg_backend_pid()"))

    assert await db.fetchval("SELECT count(*) FROM things") == 0


async def _kill(db: Database, pid: int) -> None:
    """Ends another session; from a task of its own, which is not inside of the transaction."""

    async def kill() -> None:
        await db.execute("SELECT pg_terminate_backend($1, 5000)", pid)

    await asyncio.get_running_loop().create_task(kill(), context=contextvars.Context())


async def test_going_on_after_a_failed_statement_does_not_pass_for_a_commit(db: Database) -> None:
    with pytest.raises(Internal):
        async with db.transaction() as tx:
            await _insert(tx)
            with pytest.raises(UniqueViolation):
                await tx.execute("INSERT INTO things SELECT id, name FROM things")

    assert await db.fetchval("SELECT count(*) FROM things") == 0


async def test_a_cancelled_block_is_undone_and_its_connection_comes_back(db: Database) -> None:
    inside = asyncio.Event()

    async def slow() -> None:
        async with db.transaction() as tx:
            await _insert(tx)
            inside.set()
            await tx.execute("SELECT pg_sleep(30)")

    for _ in range(4):
        task = asyncio.create_task(slow())
        await inside.wait()
        inside.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async with db.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM things") == 0


async def test_a_statement_ends_with_the_callers_deadline(db: Database) -> None:
    token = deadline.set(asyncio.get_running_loop().time() + 0.1)
    try:
        with pytest.raises(DeadlineExceeded):
            await db.execute("SELECT pg_sleep(30)")
        with pytest.raises(DeadlineExceeded):
            await db.execute("SELECT 1")
    finally:
        deadline.reset(token)

    assert await db.fetchval("SELECT 1") == 1


async def test_waiting_for_a_connection_ends_with_the_callers_deadline(db: Database) -> None:
    async def wait() -> None:
        deadline.set(asyncio.get_running_loop().time() + 0.1)
        await db.execute("SELECT 1")

    async with db.transaction():
        hold = asyncio.create_task(db.execute("SELECT pg_sleep(5)"), context=contextvars.Context())
        await asyncio.sleep(0)
        with pytest.raises(DeadlineExceeded):
            await asyncio.create_task(wait(), context=contextvars.Context())
        hold.cancel()
        await asyncio.gather(hold, return_exceptions=True)


async def test_sessions_ended_by_the_server_are_replaced(db: Database) -> None:
    await asyncio.gather(db.fetchval("SELECT pg_sleep(0.1)"), db.fetchval("SELECT pg_sleep(0.1)"))
    await db.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def answers() -> bool:
        try:
            return bool(await asyncio.gather(db.fetchval("SELECT 1"), db.fetchval("SELECT 1")))
        except DatabaseUnavailable:
            return False

    await eventually(answers, seconds=5)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    db = Database("postgresql://souk@127.0.0.1:1/none")

    with pytest.raises(DatabaseUnavailable):
        await db.open()
    with pytest.raises(DatabaseUnavailable):
        await db.ping()


async def test_piccolo_queries_run_on_the_database_and_on_a_transaction(db: Database) -> None:
    thing = uuid4()
    async with db.transaction() as tx:
        await tx.run(ThingRow.insert(ThingRow(id=thing, name="lamp")))

    result = await db.run(ThingRow.objects().where(ThingRow.id == thing).first())
    assert result.name == "lamp"
    assert await db.run(ThingRow.select(ThingRow.name)) == [{"name": "lamp"}]
    assert await db.run(ThingRow.count()) == 1
    with pytest.raises(RuntimeError, match="through Database"):
        await ThingRow.select()


async def test_a_statement_that_takes_too_long_without_a_deadline_is_busy(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, "statement_timeout", "50")
    fresh = Database(db.url)
    await fresh.open()
    with pytest.raises(DatabaseBusy):
        await fresh.execute("SELECT pg_sleep(5)")
    await fresh.close()


async def test_a_statement_in_a_sampled_trace_is_a_span_without_values(db: Database) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    record_spans(provider.get_tracer("test"), 1.0)
    try:
        with span("rpc"):
            await db.fetchval("SELECT $1::text", "secret")
    finally:
        record_spans(None, 0.0)
    statement = exporter.get_finished_spans()[0]
    assert statement.name == "postgresql SELECT"
    assert "secret" not in statement.to_json()
