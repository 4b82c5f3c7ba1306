"""Every job that deletes or anonymizes old rows. Each run has about a batch of new rows, and takes as long as its slowest statement."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeVar

import account.retention
import account.settings
import catalog.retention
import catalog.settings
import notification.notifications.retention
import notification.settings
import order.closed_accounts.retention
import order.settings
from catalog.stock.history import AdjustmentHistory
from kit.db import Database
from kit.settings import BaseSettings, load
from kit.work import PeriodicJob, Retention
from tests.scale.account_rows import CONTENT_RETENTION_DAYS, MAIL_RETENTION_DAYS
from tests.scale.event_rows import CONSUMED_DAYS, PUBLISHED_DAYS
from tests.scale.measuring import Kind, Measure
from tests.scale.moments import moment
from tests.scale.world import DAY, HOUR, SECOND, World

_BATCH = 1000


Run = Callable[[], Awaitable[object]]
# Given a retention time, returns the call that prunes.
Job = Callable[[timedelta], Run]
S = TypeVar("S", bound=BaseSettings)


def order_retention(db: Database, world: World) -> Iterator[Measure]:
    """Retention jobs of the order service, its outbox and its inbox."""

    def closed(keep: timedelta) -> Run:
        chosen = _settings(order.settings.Settings, "CLOSED_ACCOUNT_RETENTION_SECONDS", keep)
        return _named(order.closed_accounts.retention.retentions(db, chosen), "closed_accounts")

    eldest = world.now - world.accounts // 100 * HOUR
    yield _measure("closed_accounts", closed, lambda n: eldest + n * _BATCH * HOUR // 20)
    yield from event_retention(db, world)


def event_retention(db: Database, world: World) -> Iterator[Measure]:
    """Retention jobs of the outbox and inbox."""

    def table_retention(table: str, column: str) -> Job:
        return lambda keep: Retention(db, table, column, keep).prune

    step = _BATCH // 4
    yield _measure(
        "outbox", table_retention("outbox", "published_at"), _from_order(world, PUBLISHED_DAYS, step)
    )
    yield _measure("inbox", table_retention("inbox", "received_at"), _from_order(world, CONSUMED_DAYS, step))


def catalog_retention(db: Database, world: World) -> Iterator[Measure]:
    """Retention jobs of the catalog."""

    def reservations(keep: timedelta) -> Run:
        chosen = _settings(catalog.settings.Settings, "RESERVATION_RETENTION_SECONDS", keep)
        return _named(catalog.retention.retentions(db, chosen), "reservations")

    yield _measure("reservations", reservations, _from_order(world, world.days, 17 * 200))
    yield _measure(
        *("stock_adjustments", lambda keep: AdjustmentHistory(db, keep).carry),
        lambda n: world.start + n * _BATCH * SECOND,
    )


def account_retention(db: Database, world: World) -> Iterator[Measure]:
    """Retention jobs of the account service."""

    def job(name: str, setting: str) -> Job:
        def chosen(keep: timedelta) -> Run:
            settings = _settings(account.settings.Settings, setting, keep)
            return _named(account.retention.retentions(db, settings), name)

        return chosen

    ended, expired = (job(f"sessions.{how}", "SESSION_RETENTION_SECONDS") for how in ("ended", "expired"))
    yield _measure("sessions.ended", ended, lambda n: world.now - (118 - n) * DAY)
    yield _measure("sessions.expired", expired, lambda n: world.now - (30 - n) * DAY)
    interval = world.days * DAY // (world.accounts * 2)
    audit = job("audit_events", "AUDIT_RETENTION_SECONDS")
    yield _measure("audit_events", audit, lambda n: world.start + n * _BATCH * interval)


def notification_retention(db: Database, world: World) -> Iterator[Measure]:
    """Retention jobs of the notification service."""

    def job(name: str, setting: str) -> Job:
        def chosen(keep: timedelta) -> Run:
            settings = _settings(notification.settings.Settings, setting, keep)
            return _named(notification.notifications.retention.retentions(db, settings), name)

        return chosen

    for name, setting, days in (
        ("notifications", "NOTIFICATION_RETENTION_SECONDS", MAIL_RETENTION_DAYS),
        ("notifications.content", "CONTENT_RETENTION_SECONDS", CONTENT_RETENTION_DAYS),
        ("notifications.no_recipient", "UNKNOWN_RECIPIENT_SECONDS", MAIL_RETENTION_DAYS),
    ):
        yield _measure(name, job(name, setting), _from_order(world, days, 280))
    yield from event_retention(db, world)


def growing(job: Job, oldest: Callable[[int], int]) -> Run:
    """A call of a job that keeps, in its n-th run, what is younger than `oldest(n)`, a time of the world."""
    runs = count(1)

    async def run() -> None:
        keep = datetime.now(UTC) - moment(oldest(next(runs)))
        await job(keep)()

    return run


def _from_order(world: World, days: float, step: int) -> Callable[[int], int]:
    """The time of an order of the last `days`, `step` orders later for each run."""
    first = world.since(days).start
    return lambda n: world.placed(min(first + n * step, world.orders - 1))


def _settings(kind: type[S], name: str, keep: timedelta) -> S:
    # In a small world the last runs would keep less than a service may.
    [field] = [field for field in fields(kind) if field.name == name.lower()]
    seconds = max(keep.total_seconds(), field.metadata["setting"].minimum or 0)
    return load(kind, {"PROFILE": "development", name: str(seconds)})


def _named(jobs: Sequence[PeriodicJob], name: str) -> Run:
    [job] = [job for job in jobs if job.name == f"retention.{name}"]
    assert isinstance(job, Retention)
    return job.prune


def _measure(name: str, job: Job, oldest: Callable[[int], int]) -> Measure:
    return Measure(f"retention: {name}", "a batch", Kind.SWEEP, growing(job, oldest))
