"""How long the account service keeps rows. Accounts are kept until they are deleted."""

from datetime import timedelta
from typing import Final

from account.attempts.domain import WINDOW
from account.settings import Settings
from kit.db import Database
from kit.work import Retention

# Small, because the tokens are deleted with their session, and a session in constant use has thousands.
_SESSION_BATCH_SIZE: Final = 20
_AT_EXPIRY: Final = timedelta(0)


def retentions(db: Database, settings: Settings) -> list[Retention]:
    """The retention jobs."""
    sessions = settings.session_retention_seconds
    return [
        Retention(
            db, "sessions", "end_time", sessions, name="sessions.ended", batch_size=_SESSION_BATCH_SIZE
        ),
        Retention(
            db, "sessions", "expire_time", sessions, name="sessions.expired", batch_size=_SESSION_BATCH_SIZE
        ),
        Retention(db, "audit_events", "time", settings.audit_retention_seconds),
        Retention(db, "devices", "use_time", settings.device_retention_seconds),
        Retention(db, "mailed_links", "expire_time", _AT_EXPIRY),
        Retention(db, "guesses", "expire_time", _AT_EXPIRY),
        # Keeps the bucket of a guess that is still being checked.
        Retention(
            db,
            "login_attempts",
            "window_start",
            WINDOW,
            condition="NOT EXISTS (SELECT FROM guesses g WHERE g.subject = login_attempts.subject)",
        ),
    ]
