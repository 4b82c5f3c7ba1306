"""What the order service does not keep: that an account was deleted, once nothing can come of it any more."""

from datetime import timedelta
from uuid import uuid4

from kit.settings import load
from kit.testing.fixtures import database_url, postgres
from kit.values import utc_now
from order.retention import retentions
from order.settings import Settings
from order.tests.keeping import Kept, real

__all__ = ["database_url", "postgres", "real"]


async def test_a_deleted_account_is_remembered_for_a_month(real: Kept) -> None:
    old, recent = uuid4(), uuid4()
    async with real.db.transaction() as tx:
        await real.store.note_closed(tx, old, utc_now() - timedelta(days=31))
        await real.store.note_closed(tx, recent, utc_now() - timedelta(days=29))

    [job] = retentions(real.db, load(Settings, {"PROFILE": "development"}))
    await job.prune()

    left = await real.db.fetch("SELECT account_id FROM closed_accounts")
    assert [row["account_id"] for row in left] == [recent]
