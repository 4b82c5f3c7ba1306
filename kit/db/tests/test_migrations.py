"""Migrations and declared tables against a real PostgreSQL."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest
from piccolo.columns import UUID, Text, Timestamptz, Varchar

from kit.db import MigrationError, Migrations, Table, assert_tables_match
from kit.testing.fixtures import database_url, postgres

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
        f"{package.name}/0001_shops",
        f"{package.name}/0002_later",
    ]
    assert await migrations.apply(database_url) == []


async def test_several_at_once_apply_each_file_once(database_url: str, package: Path) -> None:
    _write(package, "0001_shops.sql", "CREATE TABLE shops (id uuid PRIMARY KEY)")

    applied = await asyncio.gather(*[Migrations(package.name).apply(database_url) for _ in range(4)])

    assert sorted(map(len, applied)) == [0, 0, 0, 2]


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


async def test_every_difference_is_told(database_url: str) -> None:
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
