"""Every job that deletes or reduces what is too old. Each run finds about a batch more, and takes as long as its slowest statement."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
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
from tests.scale.account_rows import MAILS_KEPT_DAYS, TEXTS_KEPT_DAYS
from tests.scale.event_rows import CONSUMED_DAYS, PUBLISHED_DAYS
from tests.scale.measuring import Kind, Measure
from tests.scale.moments import moment
from tests.scale.world import DAY, HOUR, SECOND, World

_BATCH = 1000


Run = Callable[[], Awaitable[object]]
# Of how long it keeps rows, what prunes them.
Job = Callable[[timedelta], Run]
S = TypeVar("S", bound=BaseSettings)


def order_retention(db: Database, world: World) -> Iterator[Measure]:
    """The order service's, and of its outbox and inbox."""

    def closed(keep: timedelta) -> Run:
        chosen = _settings(order.settings.Settings, "CLOSED_ACCOUNT_RETENTION_SECONDS", keep)
        return _named(order.closed_accounts.retention.retentions(db, chosen), "closed_accounts")

    eldest = world.now - world.accounts // 100 * HOUR
    yield _measure("closed_accounts", closed, lambda n: eldest + n * _BATCH * HOUR // 20)
    yield from event_retention(db, world)


def event_retention(db: Database, world: World) -> Iterator[Measure]:
    """Of the outbox and inbox."""

    def kept(table: str, column: str) -> Job:
        return lambda keep: Retention(db, table, column, keep).prune

    each = _BATCH // 4
    yield _measure("outbox", kept("outbox", "published_at"), _from_order(world, PUBLISHED_DAYS, each))
    yield _measure("inbox", kept("inbox", "received_at"), _from_order(world, CONSUMED_DAYS, each))


def catalog_retention(db: Database, world: World) -> Iterator[Measure]:
    """The catalog's."""

    def reservations(keep: timedelta) -> Run:
        chosen = _settings(catalog.settings.Settings, "RESERVATION_RETENTION_SECONDS", keep)
        return _named(catalog.retention.retentions(db, chosen), "reservations")

    yield _measure("reservations", reservations, _from_order(world, world.days, 17 * 200))
    yield _measure(
        *("stock_adjustments", lambda keep: AdjustmentHistory(db, keep).carry),
        lambda n: world.start + n * _BATCH * SECOND,
    )


def account_retention(db: Database, world: World) -> Iterator[Measure]:
    """The account service's."""

    def job(name: str, setting: str) -> Job:
        def chosen(keep: timedelta) -> Run:
            settings = _settings(account.settings.Settings, setting, keep)
            return _named(account.retention.retentions(db, settings), name)

        return chosen

    ended, expired = (job(f"sessions.{how}", "SESSION_RETENTION_SECONDS") for how in ("ended", "expired"))
    yield _measure("sessions.ended", ended, lambda n: world.now - (118 - n) * DAY)
    yield _measure("sessions.expired", expired, lambda n: world.now - (30 - n) * DAY)
    each = world.days * DAY // (world.accounts * 2)
    audit = job("audit_events", "AUDIT_RETENTION_SECONDS")
    yield _measure("audit_events", audit, lambda n: world.start + n * _BATCH * each)


def notification_retention(db: Database, world: World) -> Iterator[Measure]:
    """The notification service's."""

    def job(name: str, setting: str) -> Job:
        def chosen(keep: timedelta) -> Run:
            settings = _settings(notification.settings.Settings, setting, keep)
            return _named(notification.notifications.retention.retentions(db, settings), name)

        return chosen

    for name, setting, days in (
        ("notifications", "NOTIFICATION_RETENTION_SECONDS", MAILS_KEPT_DAYS),
        ("notifications.content", "CONTENT_RETENTION_SECONDS", TEXTS_KEPT_DAYS),
        ("notifications.no_recipient", "UNKNOWN_RECIPIENT_SECONDS", MAILS_KEPT_DAYS),
    ):
        yield _measure(name, job(name, setting), _from_order(world, days, 280))
    yield from event_retention(db, world)


def _growing(job: Job, oldest: Callable[[int], int]) -> Run:
    """A call of a job that keeps, in its n-th run, what is younger than `oldest(n)`, a time of the world."""
    runs = count(1)

    async def run() -> None:
        keep = datetime.now(UTC) - moment(oldest(next(runs)))
        await job(keep)()

    return run


def _from_order(world: World, days: float, step: int) -> Callable[[int], int]:
    """When the orders after the first of the last so many days were placed, so many more of them each time."""
    first = world.since(days).start
    return lambda n: world.placed(min(first + n * step, world.orders - 1))


def _settings(kind: type[S], name: str, keep: timedelta) -> S:
    return load(kind, {"PROFILE": "development", name: str(keep.total_seconds())})


def _named(jobs: Sequence[PeriodicJob], name: str) -> Run:
    [job] = [job for job in jobs if job.name == f"retention.{name}"]
    assert isinstance(job, Retention)
    return job.prune


def _measure(name: str, job: Job, oldest: Callable[[int], int]) -> Measure:
    return Measure(f"retention: {name}", "a batch", Kind.SWEEP, _growing(job, oldest))
