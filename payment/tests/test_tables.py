"""The declared tables match the migrated schema, whose constraints keep leases consistent."""

from pathlib import Path

import pytest

from kit.db import CheckViolation, Migrations, assert_tables_match
from kit.testing.fixtures import database_url, postgres
from payment.tables import TABLES
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


REPAIRS = Path("payment/migrations/0004_leases.sql").read_text()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments SET due_time = now() WHERE status = 'SUCCEEDED'",
        "UPDATE payments SET due_time = NULL WHERE status = 'PROCESSING'",
        "UPDATE payments SET status = 'FAILED' WHERE status = 'PROCESSING'",
        "UPDATE refunds SET due_time = NULL",
        "UPDATE refunds SET status = 'FAILED'",
    ],
)
async def test_rows_are_due_exactly_while_they_are_open(postgres_harness: StoreHarness, change: str) -> None:
    await postgres_harness.add()
    payment = await postgres_harness.add_charged()
    await postgres_harness.change(payment, lambda stored: stored.cancel_for_order(postgres_harness.clock.now))
    with pytest.raises(CheckViolation):
        await postgres_harness.db.execute(change)


async def test_the_migration_corrects_the_due_times_of_settled_and_open_rows(
    postgres_harness: StoreHarness,
) -> None:
    payment = await postgres_harness.add_charged()
    await postgres_harness.change(payment, lambda stored: stored.cancel_for_order(postgres_harness.clock.now))
    await postgres_harness.db.execute("ALTER TABLE payments DROP CONSTRAINT payments_due_while_open")
    await postgres_harness.db.execute("ALTER TABLE refunds DROP CONSTRAINT refunds_due_while_pending")
    await postgres_harness.db.execute("UPDATE payments SET due_time = $1", postgres_harness.clock.now)
    await postgres_harness.db.execute("UPDATE refunds SET status = 'FAILED'")
    open_one = await postgres_harness.add()
    await postgres_harness.db.execute("UPDATE payments SET due_time = NULL WHERE id = $1", open_one.id)
    await postgres_harness.db.execute(REPAIRS)

    rows = await postgres_harness.db.fetch("SELECT id FROM payments WHERE due_time IS NOT NULL")
    assert [row["id"] for row in rows] == [open_one.id]
    assert await postgres_harness.db.fetchval("SELECT count(*) FROM refunds WHERE due_time IS NOT NULL") == 0


async def test_the_declared_tables_match_the_migrated_schema(database_url: str) -> None:
    await Migrations("payment").apply(database_url)
    await assert_tables_match(database_url, TABLES)
