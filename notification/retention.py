"""How long notifications are kept, and what is given up because the account that it is for never became known."""

from kit.db import Database
from kit.work import Retention
from notification.settings import Settings

# A row that is written again is written to all of its indexes.
_REDUCED_AT_ONCE = 300


def retentions(db: Database, settings: Settings) -> list[Retention]:
    """The jobs. A notification that is due is not over: its row stays until it was sent or given up."""
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
            batch_size=_REDUCED_AT_ONCE,
        ),
        Retention(
            db,
            "notifications",
            "create_time",
            settings.unknown_recipient_seconds,
            condition="due_time IS NOT NULL AND status = 'QUEUED' AND NOT EXISTS "
            "(SELECT FROM recipients r WHERE r.account_id = notifications.account_id)",
            update="status = 'FAILED', failure = 'NO_RECIPIENT', due_time = NULL, context = '{}'",
            name="notifications.no_recipient",
        ),
    ]
