"""The restore drill of docs/operations/backup.md with a real PostgreSQL: all data is lost, and all five databases are restored to one time.

Without the object store, and without the operator that copies base backups and WAL there.
"""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from kit.db import Migrations
from kit.testing import Postgres, eventually

DATABASES = ("account", "catalog", "notification", "order", "payment")


class Archiving(Postgres):
    """PostgreSQL that archives its WAL in a folder, for point-in-time recovery."""

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def command(self) -> list[str]:
        settings = {
            "archive_mode": "on",
            "archive_command": f"test ! -f {self.archive}/%f && cp %p {self.archive}/%f",
            "restore_command": f"cp {self.archive}/%f %p",
            "recovery_target_name": "before-the-accident",
            "recovery_target_action": "promote",
        }
        return [*super().command(), *(f"--{key}={value}" for key, value in settings.items())]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Archiving]:
    server = Archiving(tmp_path, durable=True)
    server.archive.mkdir()
    for folder in (tmp_path, server.archive):
        folder.chmod(0o777)
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


async def is_archived(server: Archiving, segment: str) -> bool:
    return (server.archive / segment).exists()


async def is_promoted(server: Archiving) -> bool:
    return not (await query(server, "postgres", "SELECT pg_is_in_recovery() AS recovering"))[0]["recovering"]


async def base_backup(server: Archiving) -> None:
    """As pg_basebackup does: copies the files while the server writes; the WAL makes them consistent."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute("SELECT pg_backup_start('drill', true)")
        copy = server.folder / "backup"
        ignored = shutil.ignore_patterns("postmaster.pid", "pg_wal", "pg_replslot")
        await asyncio.to_thread(shutil.copytree, server.data, copy, ignore=ignored)
        label = await connection.fetchval("SELECT labelfile FROM pg_backup_stop()")
    finally:
        await connection.close()
    (copy / "backup_label").write_text(label)
    (copy / "pg_wal").mkdir(mode=0o700)
    (copy / "pg_replslot").mkdir(mode=0o700)


def lose_everything_and_restore(server: Archiving) -> None:
    owner = server.data.stat()
    server.kill()
    shutil.rmtree(server.data)
    shutil.copytree(server.folder / "backup", server.data)
    (server.data / "recovery.signal").touch()
    for path in (server.data, *server.data.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)
    server.data.chmod(0o700)
    server.start()


async def test_all_databases_are_restored_to_the_same_point(server: Archiving) -> None:
    for database in DATABASES:
        server.create_database(database)
        await Migrations(database).apply(server.url(database))
    await write(server, "before the backup")
    await base_backup(server)
    await write(server, "after the backup")
    await query(server, "postgres", "SELECT pg_create_restore_point('before-the-accident')")
    await write(server, "the accident")
    switched = await query(server, "postgres", "SELECT pg_walfile_name(pg_switch_wal()) AS name")
    await eventually(lambda: is_archived(server, switched[0]["name"]))

    await asyncio.to_thread(lose_everything_and_restore, server)

    await eventually(lambda: is_promoted(server))
    for database in DATABASES:
        assert await written(server, database) == ["before the backup", "after the backup"]
        assert await Migrations(database).apply(server.url(database)) == []
