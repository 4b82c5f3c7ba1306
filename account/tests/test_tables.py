"""The declared tables are the migrated ones."""

from account.tables import TABLES
from kit.db import Migrations, assert_tables_match
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "postgres"]


async def test_the_declared_tables_match_the_migrated_schema(database_url: str) -> None:
    await Migrations("account").apply(database_url)
    await assert_tables_match(database_url, TABLES)
