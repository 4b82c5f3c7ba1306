"""How long deleted accounts are remembered. Orders are kept forever."""

from kit.db import Database
from kit.work import Retention
from order.settings import Settings


def retentions(db: Database, settings: Settings) -> list[Retention]:
    """The retention job of closed_accounts."""
    return [Retention(db, "closed_accounts", "close_time", settings.closed_account_retention_seconds)]
