"""A stack with short deadlines, the Prometheus that watches it with shortened alerts, and what a drill needs of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx
import yaml
from kafka import KafkaProducer

from dev.components import Program, prometheus
from dev.ports import SERVICES, Ports
from dev.prometheus import DEPLOYED
from dev.stack import Stack
from kit.events.envelope import to_record
from kit.testing import free_port
from kit.values import utc_now
from tests.alerts.shortened import shorten
from tests.e2e.responses import within
from tests.e2e.shop import Shop

RULES: Final[dict[str, Any]] = yaml.safe_load((DEPLOYED / "alerts.yml").read_text())
ALERTS: Final = frozenset(rule["alert"] for group in RULES["groups"] for rule in group["rules"])
_PRODUCTS: Final = 20
_START_SECONDS: Final = 180.0
# Unpaid orders time out soon, and the index is compared often; the rest is as in production.
_SETTINGS: Final = {
    "order": {"PENDING_SECONDS": "20", "SWEEP_SECONDS": "1"},
    "catalog": {"DRIFT_SECONDS": "2"},
}


@dataclass(frozen=True)
class Watched:
    """A running stack and its Prometheus. `fired`: the alerts that have fired so far."""

    local: Stack
    ports: Ports
    fired: set[str] = field(default_factory=set)

    def shop(self) -> Shop:
        """A client of the gateway."""
        gateway, mails, stripe = (
            f"http://127.0.0.1:{port}"
            for port in (self.ports.gateway, self.ports.mail_web, self.ports.stripe)
        )
        return Shop(gateway, mails=mails, stripe=stripe)

    @asynccontextmanager
    async def without(self, *components: str) -> AsyncIterator[None]:
        """These components are killed for as long as the block runs."""
        for name in components:
            await asyncio.to_thread(self.local.stop_component, name, kill=True)
        try:
            yield
        finally:
            for name in components:
                await asyncio.to_thread(self.local.start_component, name)

    @asynccontextmanager
    async def frozen(self, component: str) -> AsyncIterator[None]:
        """A component does not respond, but keeps its connections."""
        self.local.pause_component(component)
        try:
            yield
        finally:
            self.local.resume_component(component)

    @asynccontextmanager
    async def with_setting(self, service: str, name: str, value: str) -> AsyncIterator[None]:
        """A service runs with another setting."""
        replica = self.local.services[service]
        before = replica.environment()
        for environment in ({**before, name: value}, before):
            replica.override_environment(lambda _, __, chosen=environment: chosen)  # type: ignore[misc]
            await asyncio.to_thread(self.local.stop_component, service)
            await asyncio.to_thread(self.local.start_component, service)
            if environment is not before:
                yield

    async def sql(self, service: str, statement: str) -> None:
        """Runs a statement in a service's database."""
        connection = await asyncpg.connect(
            f"postgresql://souk:souk@127.0.0.1:{self.ports.postgresql}/{service}"
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def publish(self, event_type: str, payload: bytes, *, key: str, count: int = 1) -> None:
        """Publishes equal events to the topic of their type."""
        row: dict[str, object] = {"key": key, "type": event_type, "payload": payload, "headers": "{}"}
        topic = event_type.rpartition(".")[0]
        record = to_record({**row, "topic": topic, "event_id": uuid4(), "time": utc_now()})

        def send() -> None:
            producer = KafkaProducer(bootstrap_servers=f"127.0.0.1:{self.ports.kafka}", linger_ms=50)
            for _ in range(count):
                producer.send(record.topic, key=record.key, value=record.value, headers=record.headers)
            producer.flush(60)
            producer.close()

        await asyncio.to_thread(send)

    async def firing(self) -> set[str]:
        """The alerts that fire now."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.ports.prometheus}") as client:
            response = (await client.get("/api/v1/alerts")).raise_for_status().json()
        return {
            alert["labels"]["alertname"] for alert in response["data"]["alerts"] if alert["state"] == "firing"
        }

    async def wait_until_firing(self, alerts: Collection[str], seconds: float) -> None:
        """Waits until each of the alerts has fired."""
        missing = set(alerts)

        async def all_fired() -> bool:
            now = await self.firing()
            self.fired.update(now)
            missing.difference_update(now)
            return not missing

        try:
            await within(seconds, all_fired, "the alerts")
        except AssertionError:
            raise AssertionError(f"not fired within {seconds:.0f} s: {', '.join(sorted(missing))}") from None


@contextmanager
def watched(stack: Stack, factor: int) -> Iterator[Watched]:
    """Starts a stack that is not started yet, with a Prometheus of its own; stops both."""
    ports = replace(stack.ports, prometheus=free_port())
    # A busy machine must not cause what a drill should.
    for component in stack.components.values():
        component.start_seconds = _START_SECONDS
    for service in stack.services.values():
        service.override_environment(lambda name, environment: environment | _SETTINGS.get(name, {}))
        service.low_priority = False
    stack.start()
    program = _prometheus(ports, stack.state, factor)
    program.start()
    try:
        yield Watched(stack, ports)
    finally:
        program.stop()
        stack.stop()


def plain_stack(state: Path) -> Stack:
    """All components; mails are counted, not kept."""
    return Stack(state, Ports.free(), names=SERVICES, products=_PRODUCTS, mail="count")


def _prometheus(ports: Ports, state: Path, factor: int) -> Program:
    program = prometheus(ports, state, scrape_seconds=1)
    (state / "data" / "prometheus" / "alerts.yml").write_text(
        yaml.safe_dump(shorten(RULES, factor), width=1000)
    )
    return program
