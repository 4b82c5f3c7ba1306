"""The drills: data is lost while shoppers order, an operator's steps follow (docs/operations/backup.md), and the invariants must hold."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg

from dev.backups import ARCHIVE_SECONDS, Backups
from dev.components import Service
from dev.ports import Ports
from dev.recovery import (
    recover,
    replace_kafka,
    republish,
    run_service,
    start_services,
    stop_services,
)
from dev.stack import Stack
from kit.testing import Elasticsearch, Postgres, eventually
from tests.disasters.shopping import Shopping
from tests.e2e.shop import Shop
from tests.invariants.audit import check_all
from tests.invariants.sources import uuid_of

_PRODUCTS: Final = 20
_START_SECONDS: Final = 180.0
_SETTLE_SECONDS: Final = 900.0
# Orders that are unpaid when a database is restored end soon.
_SETTINGS: Final = {"PENDING_SECONDS": "60", "RESERVATION_SECONDS": "120", "BCRYPT_COST": "10"}


@dataclass
class Result:
    """`rpo`: acknowledged orders that are this old at the loss are kept.

    `rto`: seconds from the loss to the next order; of the restore where shoppers order during the loss too.
    """

    name: str
    rpo: float
    rto: float
    orders: int
    lost: int
    violations: list[str]
    steps: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in self.steps.items())
        lines = [
            f"{self.name}: RPO {self.rpo:.1f} s, RTO {self.rto:.1f} s, {self.lost} of {self.orders} orders lost; seconds: {steps}",
            *(f"  {violation}" for violation in self.violations),
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Drill:
    """A running stack of its own."""

    stack: Stack
    backups: Backups

    def shop(self) -> Shop:
        """A client of the gateway."""
        ports = self.stack.ports
        return Shop(
            f"http://127.0.0.1:{ports.gateway}",
            mails=f"http://127.0.0.1:{ports.mail_web}",
            stripe=f"http://127.0.0.1:{ports.stripe}",
        )

    @property
    def postgres(self) -> Postgres:
        """The server of all databases."""
        return next(server for server in self.stack.servers if isinstance(server, Postgres))


@contextmanager
def running(state: Path) -> Iterator[Drill]:
    """Starts the stack in a folder and stops it again."""
    stack = Stack(state, Ports.free(), products=_PRODUCTS, mail="count")
    for component in stack.components.values():
        component.start_seconds = _START_SECONDS
        if isinstance(component, Service):
            # Recovery is measured, on a machine whose other processes are ours too.
            component.low_priority = False
            component.override_environment(lambda _, environment: {**environment, **_SETTINGS})
    stack.start()
    try:
        yield Drill(stack, Backups(state / "backups"))
    finally:
        stack.stop()


async def lose_postgresql(
    drill: Drill, *, seconds: float, back: float | None, shoppers: int, archive_seconds: int = ARCHIVE_SECONDS
) -> Result:
    """Loses the data folder. `back`: restores the state of this many seconds before the loss; by default the last archived state."""
    stack, steps = drill.stack, dict[str, float]()
    with _measured(steps, "base backup"):
        await asyncio.to_thread(drill.backups.take, drill.postgres, archive_seconds=archive_seconds)
    async with drill.shop() as shop:
        shopping = await Shopping.prepare(shop, shoppers)
        running = asyncio.create_task(shopping.run())
        await asyncio.sleep(seconds)
        target = None if back is None else datetime.now(UTC) - timedelta(seconds=back)
        if target is not None:
            # A time can be restored once a later commit is archived.
            await eventually(lambda: _archived(drill, target), seconds=2 * ARCHIVE_SECONDS)
        loss = time.time()
        with _measured(steps, "loss"):
            await asyncio.to_thread(stack.stop_component, "postgresql", kill=True)
            await asyncio.to_thread(shutil.rmtree, drill.postgres.folder / "data")
            await asyncio.to_thread(stop_services, stack)
        with _measured(steps, "restore"):
            await asyncio.to_thread(recover, stack, drill.backups, target, _say)
        restored = time.time()
        with _measured(steps, "start"):
            await asyncio.to_thread(start_services, stack)
        known, last = await _restored(drill)
        since = f"{target or datetime.fromtimestamp(last, UTC):%Y-%m-%dT%H:%M:%SZ}"
        back_at = await shopping.first_order_after(restored)
        with _measured(steps, "reconcile"):
            _say(await asyncio.to_thread(run_service, stack, "payment", "reconcile", since))
        await asyncio.sleep(seconds / 2)
        shopping.stop()
        await running
    before = [order for order in shopping.orders if order.time < loss]
    lost = [order for order in before if uuid_of(order.id) not in known]
    # An order is acknowledged after its commit, so what was lost was committed at most this long before the loss.
    rpo = loss - min((order.time for order in lost), default=loss)
    results = await check_all(stack.ports, _SETTLE_SECONDS, lost=(loss - rpo - seconds, back_at))
    violations = [str(result) for result in results if result.violations]
    again = await asyncio.to_thread(run_service, stack, "payment", "reconcile", since)
    if again != "payment: 0 differences":
        violations.append(f"a second reconciliation found {again}")
    if target and any(order.time < target.timestamp() for order in lost):
        violations.append(f"orders that were acknowledged before {target} are lost")
    _say(f"responses: {dict(shopping.responses)}")
    return Result("PostgreSQL", rpo, back_at - loss, len(before), len(lost), violations, steps)


async def lose_kafka(drill: Drill, *, seconds: float, shoppers: int) -> Result:
    """Loses all topics and offsets. Services run on."""

    def restore() -> None:
        replace_kafka(drill.stack)
        republish(drill.stack, _say)

    return await _lose(drill, "Kafka", "kafka", restore, seconds, shoppers)


async def lose_elasticsearch(drill: Drill, *, seconds: float, shoppers: int) -> Result:
    """Loses the index. Services run on."""
    [server] = [server for server in drill.stack.servers if isinstance(server, Elasticsearch)]

    def restore() -> None:
        shutil.rmtree(server.folder)
        drill.stack.start_component(server.name)
        _say(run_service(drill.stack, "catalog", "reindex"))

    return await _lose(drill, "Elasticsearch", server.name, restore, seconds, shoppers)


async def _lose(
    drill: Drill, name: str, component: str, restore: Callable[[], None], seconds: float, shoppers: int
) -> Result:
    """Shoppers go on before, during and after the loss; nothing that was acknowledged may be lost."""
    steps: dict[str, float] = {}
    async with drill.shop() as shop:
        shopping = await Shopping.prepare(shop, shoppers)
        running = asyncio.create_task(shopping.run())
        await asyncio.sleep(seconds)
        await asyncio.to_thread(drill.stack.stop_component, component, kill=True)
        await asyncio.sleep(seconds / 4)
        with _measured(steps, "restore"):
            await asyncio.to_thread(restore)
        await asyncio.sleep(seconds / 2)
        shopping.stop()
        await running
    known, _ = await _restored(drill)
    lost = [order for order in shopping.orders if uuid_of(order.id) not in known]
    results = await check_all(drill.stack.ports, _SETTLE_SECONDS)
    violations = [str(result) for result in results if result.violations]
    _say(f"responses: {dict(shopping.responses)}")
    return Result(name, 0.0, steps["restore"], len(shopping.orders), len(lost), violations, steps)


async def _archived(drill: Drill, target: datetime) -> bool:
    connection = await asyncpg.connect(drill.postgres.url())
    try:
        time_of_last = await connection.fetchval("SELECT last_archived_time FROM pg_stat_archiver")
    finally:
        await connection.close()
    # The last segment may have been waiting for a second.
    return time_of_last is not None and time_of_last > target + timedelta(seconds=2)


async def _restored(drill: Drill) -> tuple[set[str], float]:
    """The orders of the database, and when the last one was placed."""
    connection = await asyncpg.connect(drill.postgres.url("order"))
    try:
        rows: Sequence[asyncpg.Record] = await connection.fetch("SELECT id, create_time FROM orders")
    finally:
        await connection.close()
    times = (row["create_time"].timestamp() for row in rows)
    return {str(row["id"]) for row in rows}, max(times, default=0.0)


@contextmanager
def _measured(steps: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    steps[name] = time.monotonic() - start


def _say(text: str) -> None:
    for line in text.splitlines():
        print(f"            {line}", flush=True)
