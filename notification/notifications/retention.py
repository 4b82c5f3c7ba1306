"""How long notifications are kept, and when those for an unknown account are given up."""

from kit.db import Database
from kit.work import Retention
from notification.settings import Settings

# An update writes to every index of the row, so batches are small.
_UPDATE_BATCH_SIZE = 300


def retentions(db: Database, settings: Settings) -> list[Retention]:
    """The retention jobs. Rows that are still due are not deleted: they stay until sent or given up."""
    return [
        Retention(
            db,
            "notifications",
            "create_time",
            settings.notification_retention_seconds,
            condition="due_time IS NULL",
        ),
        Retention(
            db,
            "notifications",
            "create_time",
            settings.content_retention_seconds,
            condition="due_time IS NULL AND context <> '{}'",
            update="context = '{}'",
            name="notifications.content",
            batch_size=_UPDATE_BATCH_SIZE,
        ),
        Retention(
            db,
            "notifications",
            "create_time",
            settings.unknown_recipient_seconds,
            # The predicate of its index.
            condition="due_time > '-infinity' AND NOT EXISTS "
            "(SELECT FROM recipients r WHERE r.account_id = notifications.account_id)",
            update="status = 'FAILED', failure = 'NO_RECIPIENT', due_time = NULL, context = '{}'",
            name="notifications.no_recipient",
        ),
    ]
