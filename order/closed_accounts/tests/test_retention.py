"""Closed accounts are deleted after their retention."""

from datetime import timedelta
from uuid import uuid4

from kit.settings import load
from kit.testing.fixtures import database_url, postgres
from kit.values import utc_now
from order.closed_accounts.retention import retentions
from order.settings import Settings
from order.tests.store_contract import StoreHarness, postgres_harness

__all__ = ["database_url", "postgres", "postgres_harness"]


async def test_a_deleted_account_is_remembered_for_a_month(postgres_harness: StoreHarness) -> None:
    old, recent = uuid4(), uuid4()
    async with postgres_harness.db.transaction() as tx:
        await postgres_harness.closed_accounts.record_closed_account(tx, old, utc_now() - timedelta(days=31))
        await postgres_harness.closed_accounts.record_closed_account(
            tx, recent, utc_now() - timedelta(days=29)
        )

    [job] = retentions(postgres_harness.db, load(Settings, {"PROFILE": "development"}))
    await job.prune()

    left = await postgres_harness.db.fetch("SELECT account_id FROM closed_accounts")
    assert [row["account_id"] for row in left] == [recent]
