"""When carts expire and are deleted, in batches. `carts.expire_time` is the time of either."""

from datetime import timedelta

from kit.db import Database
from kit.work import Retention
from order.carts.domain import ENDED_LIFETIME

# A client repeats an addition within this time at the latest.
_REQUEST_LIFETIME = timedelta(hours=24)


def cart_jobs(db: Database) -> list[Retention]:
    """Open carts expire; carts that ended, and keys of additions, are deleted."""
    return [
        expiring(db, timedelta()),
        Retention(db, "carts", "expire_time", timedelta(), condition="state <> 'OPEN'"),
        Retention(db, "cart_requests", "create_time", _REQUEST_LIFETIME),
    ]


def expiring(db: Database, overdue: timedelta) -> Retention:
    """Open carts expire when they are `overdue` past their time."""
    return Retention(
        db,
        "carts",
        "expire_time",
        overdue,
        condition="state = 'OPEN'",
        update=(
            "state = 'EXPIRED', version = version + 1, update_time = now(), "
            f"expire_time = now() + interval '{ENDED_LIFETIME.days} days'"
        ),
        name="carts.expired",
    )
