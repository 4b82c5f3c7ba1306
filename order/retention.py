"""What the order service does not keep for ever. Orders it keeps."""

from kit.db import Database
from kit.work import Retention
from order.settings import Settings


def retentions(db: Database, settings: Settings) -> list[Retention]:
    """The jobs."""
    return [Retention(db, "closed_accounts", "close_time", settings.closed_account_retention_seconds)]
