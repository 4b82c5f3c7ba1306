"""Backups of the local stack with a real PostgreSQL: all data is lost, and all five databases are restored to one time."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from dev.backups import BackupError, Backups
from kit.db import Migrations
from kit.testing import Postgres, eventually

DATABASES = ("account", "catalog", "notification", "order", "payment")


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path / "it's a folder")


@pytest.fixture
def server(tmp_path: Path, backups: Backups) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "server", durable=True, configuration=backups.configuration())
    server.start()
    yield server
    server.stop()


async def query(server: Postgres, database: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(server.url(database))
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def write(server: Postgres, name: str) -> None:
    for database in DATABASES:
        row = f"('{name}', gen_random_uuid())"
        await query(server, database, f"INSERT INTO inbox (consumer, event_id) VALUES {row}")


async def written(server: Postgres, database: str) -> list[str]:
    rows = await query(server, database, "SELECT consumer FROM inbox ORDER BY received_at")
    return [row["consumer"] for row in rows]


async def archive_everything(server: Postgres) -> None:
    """Returns when all that was written so far is archived."""
    # Once: whatever the server writes in between would start another segment.
    switched = (await query(server, "postgres", "SELECT pg_walfile_name(pg_switch_wal()) AS name"))[0]["name"]

    async def is_archived() -> bool:
        archived = await query(server, "postgres", "SELECT last_archived_wal AS name FROM pg_stat_archiver")
        return str(archived[0]["name"] or "") >= str(switched)

    await eventually(is_archived, seconds=30)


async def now(server: Postgres) -> datetime:
    time: datetime = (await query(server, "postgres", "SELECT clock_timestamp() AS time"))[0]["time"]
    return time


async def migrate(server: Postgres) -> None:
    for database in DATABASES:
        server.create_database(database)
        await Migrations(database).apply(server.url(database))


async def test_all_databases_are_restored_to_the_same_time(server: Postgres, backups: Backups) -> None:
    await migrate(server)
    await write(server, "before the backup")
    await asyncio.to_thread(backups.take, server)
    await write(server, "after the backup")
    time = await now(server)
    await write(server, "the accident")
    await archive_everything(server)
    server.kill()
    shutil.rmtree(server.folder / "data")

    await asyncio.to_thread(backups.restore, server, time)

    for database in DATABASES:
        assert await written(server, database) == ["before the backup", "after the backup"]
        assert await Migrations(database).apply(server.url(database)) == []


async def test_a_disk_that_still_exists_loses_nothing_and_can_be_restored_again(
    server: Postgres, backups: Backups
) -> None:
    await migrate(server)
    await asyncio.to_thread(backups.take, server)
    await write(server, "not archived")
    server.kill()

    await asyncio.to_thread(backups.restore, server, None)
    await write(server, "after the restore")
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(backups.restore, server, None)

    assert await written(server, "order") == ["not archived", "after the restore"]


async def test_a_time_that_is_not_archived_is_rejected_and_what_was_there_is_kept(
    server: Postgres, backups: Backups
) -> None:
    await migrate(server)
    await asyncio.to_thread(backups.take, server)
    await write(server, "kept")
    await asyncio.to_thread(server.stop)
    later = datetime.now(UTC) + timedelta(hours=1)
    for _ in range(2):
        with pytest.raises(BackupError, match="the archived WAL ends before that time"):
            await asyncio.to_thread(backups.restore, server, later)
        await asyncio.to_thread(server.stop)

    await asyncio.to_thread(backups.restore, server, None)
    assert await written(server, "order") == ["kept"]


async def test_without_a_backup_nothing_is_archived_and_a_restore_says_so(
    server: Postgres, backups: Backups
) -> None:
    await archive_everything(server)
    assert not backups.folder.exists()
    await asyncio.to_thread(server.stop)
    with pytest.raises(BackupError, match="no base backup"):
        backups.restore(server, None)
