"""The declared tables match the migrated schema."""

from kit.db import assert_tables_match
from kit.testing.fixtures import database_url, postgres
from order.tables import TABLES
from order.tests.store_contract import StoreHarness, harness, postgres_harness

__all__ = ["database_url", "harness", "postgres", "postgres_harness"]


async def test_the_declared_tables_match_the_migrated_schema(postgres_harness: StoreHarness) -> None:
    await assert_tables_match(postgres_harness.db.url, TABLES)
