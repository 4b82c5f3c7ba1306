"""Migrations and declared tables against a real PostgreSQL."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest
from piccolo.columns import UUID, Text, Timestamptz, Varchar

from kit.db import MigrationError, Migrations, Table, assert_tables_match, migrating
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from kit.testing.rival import rival

__all__ = ["database_url", "postgres"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A service's package with an empty migrations folder, importable by its folder's name."""
    name = "shop_" + str(abs(hash(request.node.name)))
    folder = tmp_path / name / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop(name, None)
    return tmp_path / name


def _write(package: Path, name: str, sql: str) -> None:
    (package / "migrations" / name).write_text(sql)


async def test_each_file_is_applied_once_and_kits_come_first(database_url: str, package: Path) -> None:
    _write(package, "0002_later.sql", "ALTER TABLE shops ADD COLUMN city text")
    _write(package, "0001_shops.sql", "CREATE TABLE shops (id uuid PRIMARY KEY)")
    migrations = Migrations(package.name)

    applied = await migrations.apply(database_url)

    assert applied == [
        "kit/0001_outbox_and_inbox",
        "kit/0002_inbox_by_time",
        "kit/0003_dead_letters",
        "kit/0004_hidden_characters",
        f"{package.name}/0001_shops",
        f"{package.name}/0002_later",
    ]
    assert await migrations.apply(database_url) == []


async def test_several_at_once_apply_each_file_once(database_url: str, package: Path) -> None:
    _write(package, "0001_shops.sql", "CREATE TABLE shops (id uuid PRIMARY KEY)")

    applied = await asyncio.gather(*[Migrations(package.name).apply(database_url) for _ in range(4)])

    assert sorted(map(len, applied)) == [0, 0, 0, 5]


async def test_a_file_that_fails_leaves_nothing_and_names_itself(database_url: str, package: Path) -> None:
    _write(package, "0001_shops.sql", "CREATE TABLE shops (id uuid PRIMARY KEY); SELECT nothing_of_the_kind")

    with pytest.raises(MigrationError, match="0001_shops"):
        await Migrations(package.name).apply(database_url)

    _write(package, "0001_shops.sql", "CREATE TABLE shops (id uuid PRIMARY KEY)")
    assert await Migrations(package.name).apply(database_url) == [f"{package.name}/0001_shops"]


async def test_an_applied_file_may_not_change(database_url: str, package: Path) -> None:
    _write(package, "0001_shops.sql", "CREATE TABLE shops (id uuid PRIMARY KEY)")
    await Migrations(package.name).apply(database_url)
    _write(package, "0001_shops.sql", "CREATE TABLE shops (id bigint PRIMARY KEY)")

    with pytest.raises(MigrationError, match="changed"):
        await Migrations(package.name).apply(database_url)


@pytest.mark.parametrize(("name", "fault"), [("1_shops.sql", "NNNN"), ("0001_again.sql", "taken")])
def test_names_are_checked(package: Path, name: str, fault: str) -> None:
    _write(package, "0001_shops.sql", "SELECT 1")
    _write(package, name, "SELECT 1")

    with pytest.raises(MigrationError, match=fault):
        Migrations(package.name).all()


_NAMES = """-- transaction: none
-- A comment; with a semicolon.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS shops_name
    ON shops (name);
DROP INDEX CONCURRENTLY IF EXISTS shops_old;
"""


async def _indexes(url: str) -> dict[str, bool]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT indexrelid::regclass::text AS name, indisvalid FROM pg_index WHERE indrelid = 'shops'::regclass"
    )
    await connection.close()
    return {row["name"]: row["indisvalid"] for row in rows}


async def test_a_file_may_run_without_a_transaction(database_url: str, package: Path) -> None:
    _write(
        package, "0001_shops.sql", "CREATE TABLE shops (name text); CREATE INDEX shops_old ON shops (name)"
    )
    _write(package, "0002_names.sql", _NAMES)

    assert (await Migrations(package.name).apply(database_url))[-1] == f"{package.name}/0002_names"
    assert await _indexes(database_url) == {"shops_name": True}
    assert await Migrations(package.name).apply(database_url) == []


async def test_an_index_that_failed_half_way_is_made_again(database_url: str, package: Path) -> None:
    _write(package, "0001_shops.sql", "CREATE TABLE shops (name text); INSERT INTO shops VALUES ('a'), ('a')")
    _write(package, "0002_names.sql", _NAMES)
    with pytest.raises(MigrationError, match="0002_names"):
        await Migrations(package.name).apply(database_url)
    assert await _indexes(database_url) == {"shops_name": False}
    async with rival(database_url) as other:
        await other.hold("DELETE FROM shops WHERE ctid = '(0,1)'")
        await other.hold("COMMIT")

    assert await Migrations(package.name).apply(database_url) == [f"{package.name}/0002_names"]
    assert await _indexes(database_url) == {"shops_name": True}


async def test_a_procedure_that_fails_in_a_later_batch_keeps_its_earlier_batches_and_is_called_again(
    database_url: str, package: Path
) -> None:
    procedure = (
        "CREATE TABLE shops (number integer PRIMARY KEY CHECK (number < 3));"
        " CREATE PROCEDURE fill_shops() LANGUAGE plpgsql AS $$ BEGIN FOR n IN 1..3 LOOP"
        " INSERT INTO shops VALUES (n) ON CONFLICT DO NOTHING; COMMIT; END LOOP; END $$"
    )
    _write(package, "0001_shops.sql", procedure)
    _write(package, "0002_fill.sql", "-- transaction: none\nCALL fill_shops();\n")
    with pytest.raises(MigrationError, match="0002_fill"):
        await Migrations(package.name).apply(database_url)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM shops") == 2
    await connection.execute("ALTER TABLE shops DROP CONSTRAINT shops_number_check")

    assert await Migrations(package.name).apply(database_url) == [f"{package.name}/0002_fill"]
    assert await connection.fetchval("SELECT count(*) FROM shops") == 3
    await connection.close()


async def test_several_at_once_make_an_index_once_and_none_waits_for_the_other(
    database_url: str, package: Path
) -> None:
    _write(
        package,
        "0001_shops.sql",
        "CREATE TABLE shops AS SELECT n::text AS name FROM generate_series(1, 50000) n",
    )
    _write(package, "0002_names.sql", _NAMES)

    async with asyncio.timeout(30):
        applied = await asyncio.gather(*[Migrations(package.name).apply(database_url) for _ in range(4)])

    assert sorted(map(len, applied)) == [0, 0, 0, 6]
    assert await _indexes(database_url) == {"shops_name": True}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY shops_name ON shops (name);",
        "CREATE INDEX IF NOT EXISTS shops_name ON shops (name);",
        "DROP INDEX CONCURRENTLY shops_name;",
        "ALTER TABLE shops ADD COLUMN city text;",
        "UPDATE shops SET name = '';",
        "VACUUM FULL shops;",
        "VACUUM (FULL) shops;",
    ],
)
def test_without_a_transaction_only_what_may_be_repeated_is_taken(package: Path, statement: str) -> None:
    _write(package, "0001_shops.sql", f"-- transaction: none\n{statement}\n")

    with pytest.raises(MigrationError, match="only idempotent"):
        Migrations(package.name).all()


async def test_a_migration_that_waits_for_a_lock_does_not_hold_up_queries_and_goes_on_later(
    database_url: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(migrating, "_PAUSE_SECONDS", 0.1)
    _write(package, "0001_shops.sql", "CREATE TABLE shops (name text)")
    await Migrations(package.name).apply(database_url)
    _write(package, "0002_city.sql", "ALTER TABLE shops ADD COLUMN city text")
    reader = await asyncpg.connect(database_url)
    async with rival(database_url) as other:
        await other.hold("SELECT FROM shops")
        migrating_now = asyncio.create_task(Migrations(package.name).apply(database_url))
        await eventually(other.is_awaited)
        # Queued behind the migration's lock, until that gives up for a while.
        await reader.fetch("SELECT FROM shops", timeout=5)
        assert not migrating_now.done()
        await other.end()
        assert await migrating_now == [f"{package.name}/0002_city"]
    await reader.close()


async def test_a_migration_that_never_gets_its_lock_fails_and_leaves_nothing(
    database_url: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("LOCK_TIMEOUT_SECONDS", 0.05), ("_PAUSE_SECONDS", 0.01), ("LOCK_ATTEMPTS", 3)):
        monkeypatch.setattr(migrating, name, value)
    _write(package, "0001_shops.sql", "CREATE TABLE shops (name text)")
    await Migrations(package.name).apply(database_url)
    _write(package, "0002_city.sql", "CREATE TABLE towns (); ALTER TABLE shops ADD COLUMN city text")
    async with rival(database_url) as other:
        await other.hold("SELECT FROM shops")
        with pytest.raises(MigrationError, match=r"0002_city.*lock timeout"):
            await Migrations(package.name).apply(database_url)
    assert await Migrations(package.name).apply(database_url) == [f"{package.name}/0002_city"]


class ShopRow(Table, tablename="shops"):
    id = UUID(primary_key=True)
    name = Text()
    tags = Varchar(null=True)
    close_time = Timestamptz(null=True, default=None)


async def _shops(database_url: str, columns: str) -> None:
    await Migrations("kit.db").apply(database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"CREATE TABLE shops ({columns})")
    await connection.close()


async def test_declared_tables_that_equal_the_migrated_pass(database_url: str) -> None:
    await _shops(
        database_url, "id uuid PRIMARY KEY, name text NOT NULL, tags varchar(255), close_time timestamptz"
    )

    await assert_tables_match(database_url, [ShopRow])


async def test_every_difference_is_reported(database_url: str) -> None:
    await _shops(database_url, "id uuid PRIMARY KEY, name text, tags text, close_time timestamptz, city text")

    with pytest.raises(AssertionError) as caught:
        await assert_tables_match(database_url, [ShopRow])

    assert set(str(caught.value).splitlines()) == {
        "only declared: shops.name text NOT NULL",
        "only declared: shops.tags character varying",
        "only migrated: shops.city text",
        "only migrated: shops.name text",
        "only migrated: shops.tags text",
    }
