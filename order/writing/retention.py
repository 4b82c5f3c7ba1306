"""How long failed payments of guests count."""

from datetime import timedelta
from typing import Final

from kit.db import Database
from kit.work import Retention

# As long as `statement` counts them.
_COUNTED: Final = timedelta(hours=1)


def failed_payment_retention(db: Database) -> Retention:
    """The retention job of failed_guest_payments."""
    return Retention(db, "failed_guest_payments", "fail_time", _COUNTED)
