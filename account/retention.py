"""How long the account service keeps what it does not keep for ever: accounts themselves it does."""

from datetime import timedelta
from typing import Final

from account.settings import Settings
from account.throttle import WINDOW
from kit.db import Database
from kit.work import Retention

# Their tokens go with them, of which a session that is used all day has thousands.
_SESSIONS_AT_ONCE: Final = 20
# These mean nothing any more once they have expired.
_AT_ONCE: Final = timedelta(0)


def retentions(db: Database, settings: Settings) -> list[Retention]:
    """The jobs."""
    over = settings.session_retention_seconds
    return [
        Retention(db, "sessions", "end_time", over, name="sessions.ended", batch_size=_SESSIONS_AT_ONCE),
        Retention(db, "sessions", "expire_time", over, name="sessions.expired", batch_size=_SESSIONS_AT_ONCE),
        Retention(db, "audit_events", "time", settings.audit_retention_seconds),
        Retention(db, "devices", "use_time", settings.device_retention_seconds),
        Retention(db, "mailed_links", "expire_time", _AT_ONCE),
        Retention(db, "guesses", "expire_time", _AT_ONCE),
        # A bucket in which something is compared outlives its window.
        Retention(
            db,
            "login_attempts",
            "window_start",
            WINDOW,
            condition="NOT EXISTS (SELECT FROM guesses g WHERE g.subject = login_attempts.subject)",
        ),
    ]
